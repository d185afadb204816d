package query_test

import (
	"testing"

	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/question"
)

// TestAReleaseKnowsWhatItRead: what a release read is on record with it, also of
// tenants that have loaded nothing; the same answer again adds nothing.
func TestAReleaseKnowsWhatItRead(t *testing.T) {
	h := newHouse(t)
	h.publish("gen_1")
	ask := question.Request{SQL: "SELECT COUNT(*) AS n FROM visits"}
	first, err := h.Query(t.Context(), analyst, ask)
	h.must(err)
	if _, err := h.Query(t.Context(), other, ask); err != nil {
		t.Fatal(err)
	}
	store := lineage.New(h.db)
	for _, reader := range []string{analyst.ID, other.ID} {
		got, err := store.ForReader(t.Context(), reader, first.Release.ID)
		h.must(err)
		// The generation of this test has no segments, and so no table to have read.
		if !got.Complete || len(got.Inputs) != 1 || got.Inputs[0].Tenant != "south" || got.Inputs[0].Generation != "" || got.Version != 1 {
			t.Errorf("%s sees %+v, want south with nothing", reader, got)
		}
	}
	var north string
	h.must(h.db.QueryRowContext(t.Context(), `SELECT generation FROM release_reads WHERE release = ? AND tenant = 'north'`, first.Release.ID).Scan(&north))
	if north != "gen_1" {
		t.Errorf("north was read at %q, want gen_1", north)
	}
}
