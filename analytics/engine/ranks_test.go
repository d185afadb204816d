package engine

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func column(name string) *plan.Column {
	return &plan.Column{Name: name, Type: plan.Of(plan.KindVarchar)}
}

func call(f string, args ...plan.Expr) plan.Expr { return &plan.Call{Func: f, Args: args} }

// byIndex is a plan that an index over columns g and h bounds, changed by with.
func byIndex(with func(*plan.Bound)) *plan.Bound {
	p := &plan.Bound{
		Scope: plan.ScopeTenant, Tenants: []string{"a", "b"},
		Keys:     []plan.Key{{Column: "h"}, {Column: plan.TenantColumn}, {Column: "g", Expr: column("g")}},
		Draws:    []plan.Draw{{Kind: plan.DrawRows, Mask: call("is not null", column("v"))}, {Kind: plan.DrawUnits}},
		Limits:   privacy.Bounds{MaxPartitions: 3, MaxRowsPerPartition: 2},
		Strategy: plan.Strategy{Bounding: plan.BoundIndex, Grouping: []string{"g", "h"}},
	}
	with(p)
	return p
}

// byRows is a plan that a limit of five rows bounds, changed by with.
func byRows(with func(*plan.Bound)) *plan.Bound {
	p := &plan.Bound{
		Scope: plan.ScopeTenant, Tenants: []string{"a", "b"},
		Keys:     []plan.Key{{Column: "x", Expr: call("lower", column("g")), Domain: make([]plan.Value, 3)}, {Column: plan.TenantColumn}},
		Draws:    []plan.Draw{{Kind: plan.DrawRows, Mask: call("like", column("v"), column("w"))}},
		Filter:   call("like", column("v"), column("w")),
		Limits:   privacy.Bounds{MaxPartitions: 3, MaxRowsPerPartition: 5, MaxRows: 5},
		Strategy: plan.Strategy{Bounding: plan.BoundRows},
	}
	with(p)
	return p
}

// Each case breaks one premise of the argument at checkRanks.
func TestPlansThatRanksDoNotBound(t *testing.T) {
	for name, p := range map[string]*plan.Bound{
		"a person over tenants":       byIndex(func(p *plan.Bound) { p.Scope = plan.ScopePerson }),
		"a norm":                      byIndex(func(p *plan.Bound) { p.Limits.MaxL2 = 1 }),
		"a limit of rows by index":    byIndex(func(p *plan.Bound) { p.Limits.MaxRows = 1 }),
		"a coarser key":               byIndex(func(p *plan.Bound) { p.Keys = p.Keys[1:] }),
		"a finer key":                 byIndex(func(p *plan.Bound) { p.Keys = append(p.Keys, plan.Key{Column: "i"}) }),
		"no key":                      byIndex(func(p *plan.Bound) { p.Keys, p.Strategy.Grouping = nil, nil }),
		"a key that is computed":      byIndex(func(p *plan.Bound) { p.Keys[0].Expr = call("lower", column("h")) }),
		"a key under another name":    byIndex(func(p *plan.Bound) { p.Keys[0].Expr = column("i") }),
		"a filter by index":           byIndex(func(p *plan.Bound) { p.Filter = call("is null", column("v")) }),
		"units that pass a mask":      byIndex(func(p *plan.Bound) { p.Draws[1].Mask = call("is not null", column("v")) }),
		"another mask by index":       byIndex(func(p *plan.Bound) { p.Draws[0].Mask = call("is null", column("v")) }),
		"different values by index":   byIndex(func(p *plan.Bound) { p.Draws[0] = plan.Draw{Kind: plan.DrawDistinct, Value: column("v")} }),
		"more rows than ranks tell":   byIndex(func(p *plan.Bound) { p.Limits.MaxRowsPerPartition = plan.MaxRank + 1 }),
		"more groups than ranks tell": byIndex(func(p *plan.Bound) { p.Limits.MaxPartitions = plan.MaxRank + 1 }),
		"a join by index":             byIndex(func(p *plan.Bound) { p.Sources = []plan.Source{{Table: "t"}} }),
		"an unknown bounding":         byIndex(func(p *plan.Bound) { p.Strategy.Bounding = 9 }),
		"no limit of rows":            byRows(func(p *plan.Bound) { p.Limits.MaxRows = 0 }),
		"more rows in a group":        byRows(func(p *plan.Bound) { p.Limits.MaxRowsPerPartition = 4 }),
		"more groups than allowed":    byRows(func(p *plan.Bound) { p.Limits.MaxPartitions = 2 }),
		"more secret groups":          byRows(func(p *plan.Bound) { p.Keys[0].Domain = nil }),
		"more rows in all":            byRows(func(p *plan.Bound) { p.Limits.MaxRows, p.Limits.MaxRowsPerPartition = plan.MaxRank+1, plan.MaxRank+1 }),
		"units of groups":             byRows(func(p *plan.Bound) { p.Draws[0], p.Filter = plan.Draw{Kind: plan.DrawUnits}, nil }),
		"units after a filter":        byRows(func(p *plan.Bound) { p.Draws[0], p.Keys = plan.Draw{Kind: plan.DrawUnits}, nil }),
		"different values by rows":    byRows(func(p *plan.Bound) { p.Draws[0] = plan.Draw{Kind: plan.DrawDistinct, Value: column("v")} }),
	} {
		if err := (Input{Plan: p}).Check(); privacy.CodeOf(err) != privacy.CodeInternal {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, p := range map[string]*plan.Bound{
		"an index":               byIndex(func(*plan.Bound) {}),
		"a person of one tenant": byIndex(func(p *plan.Bound) { p.Scope, p.Tenants = plan.ScopePerson, p.Tenants[:1] }),
		"a filter of tenants":    byIndex(func(p *plan.Bound) { p.Filter = call("=", column(plan.TenantColumn), column(plan.TenantColumn)) }),
		"fewer groups than the limit": byIndex(func(p *plan.Bound) {
			p.Keys[0].Domain, p.Keys[2].Domain, p.Limits.MaxPartitions = make([]plan.Value, 300), make([]plan.Value, 300), 90000
		}),
		"a limit of rows":              byRows(func(*plan.Bound) {}),
		"as many secret groups":        byRows(func(p *plan.Bound) { p.Keys[0].Domain, p.Limits.MaxPartitions = nil, 5 }),
		"units of everything, by rows": byRows(func(p *plan.Bound) { p.Draws[0], p.Keys, p.Filter = plan.Draw{Kind: plan.DrawUnits}, nil, nil }),
	} {
		if err := (Input{Plan: p}).Check(); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Ranks go on from segment to segment, so each must have them.
func TestSegmentsThatRanksDoNotBound(t *testing.T) {
	index := byIndex(func(p *plan.Bound) {})
	joined := byRows(func(p *plan.Bound) {
		p.Sources = []plan.Source{{Table: "item", Alias: "i"}, {Table: "buy", Alias: "b", Once: true, Key: "k", On: []plan.Equal{
			{Left: &plan.Column{Qualifier: "i", Name: "buy"}, Right: &plan.Column{Qualifier: "b", Name: "k"}}}}}
	})
	ranks := [][]string{{"g"}, {"g", "h"}}
	for _, tt := range []struct {
		name     string
		plan     *plan.Bound
		segments []Segment
		ok       bool
	}{
		{"one of each tenant", index, []Segment{{Tenant: "a", Ranks: ranks}, {Tenant: "b", Ranks: ranks}}, true},
		{"two of a tenant", index, []Segment{{Tenant: "a", Ranks: ranks}, {Tenant: "a", Ranks: ranks[1:]}}, true},
		{"two of a tenant, one without ranks", index, []Segment{{Tenant: "a", Ranks: ranks}, {Tenant: "a"}}, false},
		{"two of a tenant, one without those of the grouping", index, []Segment{{Tenant: "a", Ranks: ranks[:1]}, {Tenant: "a", Ranks: ranks}}, false},
		{"without ranks", index, []Segment{{Tenant: "a"}}, false},
		{"without those of the grouping", index, []Segment{{Tenant: "a", Ranks: ranks[:1]}}, false},
		{"of each table", joined, []Segment{{Tenant: "a", Table: "item", Ranks: [][]string{}}, {Tenant: "a", Table: "buy", Ranks: [][]string{{"k"}}}}, true},
		{"without those of a key", joined, []Segment{{Tenant: "a", Table: "buy", Ranks: [][]string{}}}, false},
		{"two of a table", joined, []Segment{{Tenant: "a", Table: "item", Ranks: ranks}, {Tenant: "a", Table: "item", Ranks: ranks}}, true},
		{"two of a table, one without those of a key", joined, []Segment{{Tenant: "a", Table: "buy", Ranks: [][]string{{"k"}}}, {Tenant: "a", Table: "buy", Ranks: ranks}}, false},
	} {
		if err := (Input{Plan: tt.plan, Segments: tt.segments}).Check(); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// A limit on the rows of one table limits those of a join if each row of it
// determines the rest.
func TestDeterminedJoins(t *testing.T) {
	at := func(alias, name string) *plan.Column { return &plan.Column{Qualifier: alias, Name: name} }
	on := func(a, x, b, y string) plan.Equal { return plan.Equal{Left: at(a, x), Right: at(b, y)} }
	item := plan.Source{Table: "item", Alias: "i"}
	buy := plan.Source{Table: "buy", Alias: "b", Once: true, Key: "k"}
	person := plan.Source{Table: "person", Alias: "p", Once: true}
	city := plan.Source{Table: "city", Alias: "c", Public: true}
	join := func(s plan.Source, equals ...plan.Equal) plan.Source { s.On = equals; return s }
	left := func(s plan.Source, equals ...plan.Equal) plan.Source { s.On, s.Outer = equals, true; return s }
	for _, tt := range []struct {
		name string
		from []plan.Source
		ok   bool
	}{
		{"the table alone", []plan.Source{item}, true},
		{"to what it refers to", []plan.Source{item, join(buy, on("i", "buy", "b", "k"))}, true},
		{"the other way round", []plan.Source{buy, join(item, on("b", "k", "i", "buy"))}, true},
		{"by another column", []plan.Source{item, join(buy, on("i", "buy", "b", "other"))}, false},
		{"by the unit alone", []plan.Source{item, join(buy)}, false},
		{"to the unit's own row", []plan.Source{item, join(person)}, true},
		{"along a chain", []plan.Source{person, join(buy), join(item, on("b", "k", "i", "buy"))}, true},
		{"outer to what it refers to", []plan.Source{item, left(buy, on("i", "buy", "b", "k"))}, true},
		{"from a person, outer", []plan.Source{person, left(item)}, true},
		{"from purchases, outer", []plan.Source{buy, left(item, on("b", "k", "i", "buy"))}, false},
		{"a public table of what is determined", []plan.Source{item, join(buy, on("i", "buy", "b", "k")), join(city, on("b", "shop", "c", "name"))}, true},
		{"purchases by a public table", []plan.Source{item, join(city, on("i", "x", "c", "name")), join(buy, on("c", "number", "b", "k"))}, true},
		{"purchases by an outer join elsewhere", []plan.Source{item, join(buy), left(city, on("b", "k", "c", "name"))}, false},
	} {
		p := byRows(func(p *plan.Bound) { p.Sources = tt.from })
		if err := (Input{Plan: p}).Check(); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
