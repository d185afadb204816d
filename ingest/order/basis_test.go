package order

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
)

// TestWhichRanksGoOn: contracts and loads decide, and one segment without ranks
// means none for what comes behind it.
func TestWhichRanksGoOn(t *testing.T) {
	city, both, none := [][]string{{"city"}}, [][]string{{"city"}, {"city", "day"}}, [][]string{}
	for _, tt := range []struct {
		name   string
		wanted [][]string
		behind [][][]string
		want   [][]string
	}{
		{"the first load", both, nil, both},
		{"the same contract", both, [][][]string{both, both}, both},
		{"a grouping is new", both, [][][]string{city}, city},
		{"a grouping is gone", city, [][][]string{both}, city},
		{"a grouping was away", city, [][][]string{city, none}, none},
		{"units only", none, [][][]string{both}, none},
		{"without ranks", both, [][][]string{both, nil}, nil},
		{"a public table", nil, [][][]string{nil}, nil},
	} {
		var segments []catalog.Segment
		for _, ranks := range tt.behind {
			segments = append(segments, catalog.Segment{Ranks: ranks})
		}
		if diff := cmp.Diff(tt.want, goOn(tt.wanted, segments)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if diff := cmp.Diff([][]string{{"city"}, {"city", "day"}}, both); diff != "" {
		t.Errorf("the contract's own list has changed: %s", diff)
	}
}

// TestLoadsArePublishedOnWhatTheyGoOnFrom: a load whose rows are ranked behind
// segments, or belong to units by those of a parent, needs just these.
func TestLoadsArePublishedOnWhatTheyGoOnFrom(t *testing.T) {
	c := &contract.Contract{Tables: []contract.Table{{Name: "person"}, {Name: "visit", Via: &contract.Via{Table: "person"}}, {Name: "town", Public: true}}}
	g := catalog.Generation{Segments: []catalog.Segment{{ID: "p1", Table: "person"}, {ID: "v1", Table: "visit"}, {ID: "v2", Table: "visit"}, {ID: "t1", Table: "town"}}}
	for _, tt := range []struct {
		name            string
		table           string
		replace         bool
		earlier, parent []string
		want            bool
	}{
		{"what was there", "visit", false, []string{"v1", "v2"}, []string{"p1"}, true},
		{"more has come", "visit", false, []string{"v1"}, []string{"p1"}, false},
		{"it was merged", "visit", false, []string{"v1", "v3"}, []string{"p1"}, false},
		{"the parent is another", "visit", false, []string{"v1", "v2"}, []string{"p0"}, false},
		{"in place of what is there", "visit", true, nil, []string{"p1"}, true},
		{"in place, of another parent", "visit", true, nil, nil, false},
		{"without a parent", "person", false, []string{"p1"}, nil, true},
		{"nothing was there", "person", false, nil, nil, false},
		{"a public table", "town", false, nil, nil, true},
	} {
		if got := (Basis{Earlier: tt.earlier, Parent: tt.parent}).Stays(g, c, tt.table, tt.replace); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
}
