package inputs

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func TestWhichSegmentsQualify(t *testing.T) {
	index := plan.Strategy{Bounding: plan.BoundIndex, Grouping: []string{"day", "ward"}}
	rows := plan.Strategy{Bounding: plan.BoundRows}
	joined := []plan.Source{{Table: "person", Once: true}, {Table: "visit", Once: true, Key: "nr"}, {Table: "drug"}, {Table: "town", Public: true}}
	ward, both := [][]string{{"ward"}}, [][]string{{"ward"}, {"day", "ward"}}
	seg := func(tenant, table string, ranks [][]string) engine.Segment {
		return engine.Segment{Tenant: tenant, Table: table, Ranks: ranks}
	}
	none, some := [][]string(nil), [][]string{}
	behind := engine.Segment{Tenant: "a", Ranks: both, GoesOn: true}
	whole := index
	whole.Whole = true
	for _, tt := range []struct {
		name     string
		strategy plan.Strategy
		sources  []plan.Source
		segments []engine.Segment
		want     bool
	}{
		{"nothing is loaded", index, nil, nil, true},
		{"the index is stored", index, nil, []engine.Segment{seg("a", "", both), seg("b", "", both[1:])}, true},
		{"another index is stored", index, nil, []engine.Segment{seg("a", "", both), seg("b", "", ward)}, false},
		{"one tenant has no ranks", index, nil, []engine.Segment{seg("a", "", both), seg("b", "", none)}, false},
		{"two loads of one tenant", index, nil, []engine.Segment{seg("a", "", both), seg("a", "", both[1:])}, true},
		{"two loads, one without the index", index, nil, []engine.Segment{seg("a", "", both), seg("a", "", ward)}, false},
		{"two loads, one without ranks", index, nil, []engine.Segment{seg("a", "", none), seg("a", "", both)}, false},
		{"the rank within the unit", rows, nil, []engine.Segment{seg("a", "", some)}, true},
		{"no rank within the unit", rows, nil, []engine.Segment{seg("a", "", none)}, false},
		{"two loads, by rows", rows, nil, []engine.Segment{seg("a", "", both), seg("b", "", both), seg("b", "", some)}, true},
		{"a join with the rank of its key", rows, joined, []engine.Segment{
			seg("a", "person", some), seg("a", "visit", [][]string{{"nr"}}), seg("a", "drug", some), seg("b", "person", some), seg("", "town", none), seg("", "town", none),
		}, true},
		{"a join without the rank of its key", rows, joined, []engine.Segment{seg("a", "person", some), seg("a", "visit", some)}, false},
		{"a join with two loads of one table", rows, joined, []engine.Segment{seg("a", "drug", some), seg("a", "drug", some)}, true},
		{"a join with a load without the rank of its key", rows, joined, []engine.Segment{seg("a", "visit", [][]string{{"nr"}}), seg("a", "visit", some)}, false},
		{"ranks that go on, where any serve", index, nil, []engine.Segment{seg("a", "", both), behind}, true},
		{"ranks that go on, where all rows must have been ranked at once", whole, nil, []engine.Segment{seg("a", "", both), behind}, false},
		{"all rows ranked at once", whole, nil, []engine.Segment{seg("a", "", both), seg("b", "", both)}, true},
		{"a stream of anything", plan.Strategy{}, nil, []engine.Segment{seg("a", "", none), seg("a", "", ward)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			limits := privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 3}
			if tt.strategy.Bounding == plan.BoundRows {
				limits.MaxRows = 3
			}
			b := &plan.Bound{Strategy: tt.strategy, Sources: tt.sources, Limits: limits}
			want := *b
			if !tt.want {
				want.Strategy, want.Limits.MaxRows = plan.Strategy{}, 0
			}
			if diff := cmp.Diff(&want, bounded(b, tt.segments)); diff != "" {
				t.Error(diff)
			}
			if b.Strategy.Bounding != tt.strategy.Bounding || b.Limits != limits {
				t.Error("the plan that was priced has changed")
			}
		})
	}
}

// A key is read by its codes where all segments store those of its declared
// values; a load under other ones, before or after, has the texts read. The plan
// that was priced is what it was.
func TestWhichKeysAreReadByCodes(t *testing.T) {
	first, second := []plan.Value{plan.StringValue("x")}, []plan.Value{plan.StringValue("x"), plan.StringValue("y")}
	under := func(values []plan.Value) engine.Segment {
		return engine.Segment{Tenant: "a", Codes: map[string]string{"ward": plan.CodesOf(values)}}
	}
	for _, tt := range []struct {
		name     string
		segments []engine.Segment
		want     bool
	}{
		{"the values as they are declared", []engine.Segment{under(second), under(second)}, true},
		{"one load under fewer values", []engine.Segment{under(second), under(first)}, false},
		{"all loads under fewer values", []engine.Segment{under(first)}, false},
		{"a load before there were codes", []engine.Segment{under(second), {Tenant: "b"}}, false},
	} {
		b := &plan.Bound{Keys: []plan.Key{{Column: "ward", Type: plan.Of(plan.KindVarchar), Domain: second}}}
		if got := adapted(b, tt.segments).Keys[0].Coded; got != tt.want || b.Keys[0].Coded {
			t.Errorf("%s: %t, and %t in the plan that was priced", tt.name, got, b.Keys[0].Coded)
		}
	}
}
