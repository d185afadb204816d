package contract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contract/contracttest"
)

func TestRanks(t *testing.T) {
	const dimensions = `
  z: {type: varchar, role: dimension, domain: {values: [a]}}
  b: {type: boolean, role: dimension, domain: {values: [true]}}
  p: {type: varchar, role: dimension}
  x: {type: integer, role: measure, bounds: [0, 1]}`
	wide := ""
	for i := range contract.MaxRanked + 1 {
		wide += fmt.Sprintf("\n  d%d: {type: boolean, role: dimension, domain: {values: [true]}}", i)
	}
	for _, tt := range []struct {
		name, doc, table string
		want             string // groupings, their columns joined by commas
	}{
		{"each declared dimension, without an index", contracttest.Around(dimensions), "", "z b"},
		{"an index, sorted and each grouping once", contracttest.Around(dimensions + "\nbounding_index: [[z, b], [b], [b, z]]"), "", "b,z b"},
		{"an empty index", contracttest.Around(dimensions + "\nbounding_index: []"), "", ""},
		{"no dimension", contracttest.Minimal, "", ""},
		{"a key that others refer to", contracttest.Shop, "purchase", "o"},
		{"a key that is the unit is not stored", contracttest.Shop, "person", ""},
		{"a table to which none refers", contracttest.Shop, "item", ""},
		{"a public table", contracttest.Shop, "city", "none"},
		{"no such table", contracttest.Shop, "nothing", "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ranks := mustParse(t, tt.doc).Ranks(tt.table)
			var got []string
			for _, g := range ranks {
				got = append(got, strings.Join(g, ","))
			}
			if ranks == nil {
				got = []string{"none"}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := mustParse(t, contracttest.Around(wide)).Ranks(""); len(got) != contract.MaxRanked {
		t.Errorf("%d dimensions are ranked, want %d: each costs every row", len(got), contract.MaxRanked)
	}
}

// What bounding_index says is the contract's to show, also that it is empty.
func TestRanksDoNotReorderTheContract(t *testing.T) {
	c := mustParse(t, contracttest.Around("\n  z: {type: boolean, role: dimension, domain: {values: [true]}}\n  b: {type: boolean, role: dimension, domain: {values: [true]}}\nbounding_index: [[z, b]]"))
	c.Ranks("")
	if diff := cmp.Diff([][]string{{"z", "b"}}, c.BoundingIndex); diff != "" {
		t.Error(diff)
	}
}
