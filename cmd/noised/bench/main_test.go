package main

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/noised/noised/cmd/noised/bench/internal/report"
)

// TestPartsMeasureWhatTheirGoalsName runs two parts on a few rows, from loading
// them to the report: as fast as they may be, every figure must be there, and
// bounded in the way that the contract and the text choose.
func TestPartsMeasureWhatTheirGoalsName(t *testing.T) {
	dir := t.TempDir()
	b := &bench{out: io.Discard, settings: settings{data: "../../../testdata", cache: dir, quick: true}, dir: dir}
	b.sizes = sizes{total: 4000, units: 400, cells: 1000, secrets: 5, few: 2, many: 3, step: 2000, runs: 1, duration: time.Millisecond}
	if err := b.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range b.parts() {
		if p.name == "bounded" || p.name == "tenants" {
			if err := p.measure(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, strategy := range map[string]string{
		"groupby_bounded": "index on k", "groupby_units": "index on k", "groupby_filtered": "stream", "groupby_contract": "rows",
		"total_clamp": "rows", "secret_keys_100k": "index on secret", "person_scope_14": "stream", "ours_over_sql_rewrite": "index on k",
		"noise_1m": "index on cell", "tenants_1000": "index on k",
	} {
		i := slices.IndexFunc(b.results.Figures, func(f report.Figure) bool { return f.Name == name })
		if i < 0 {
			t.Errorf("%s was not measured", name)
			continue
		}
		if f := b.results.Figures[i]; f.Missing != "" || f.Baseline <= 0 || f.Strategy != strategy {
			t.Errorf("%s: %+v, want strategy %q", name, f, strategy)
		}
	}
}

func TestPartsAreChosenByName(t *testing.T) {
	all := (&bench{}).parts()
	if got, err := choose(all, "accuracy,loads"); err != nil || len(got) != 2 || got[0].name != "accuracy" || got[1].name != "loads" {
		t.Errorf("accuracy,loads chooses %v, %v", got, err)
	}
	if got, err := choose(all, ""); err != nil || len(got) != len(all) {
		t.Errorf("nothing chooses %v, %v", got, err)
	}
	if _, err := choose(all, "loads,speed"); err == nil {
		t.Error("a part that does not exist was chosen")
	}
}
