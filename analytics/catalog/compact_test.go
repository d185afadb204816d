package catalog

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

func (f *fixture) compact(s Scattered, into Segment) error {
	return f.db.InTx(f.t.Context(), func(ctx context.Context, tx *sql.Tx) error { return f.Compact(ctx, tx, s, into) })
}

func TestCompactExchangesFilesOnly(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a", "b", "c")
	f.put(1, "")
	f.accept(1, "a", "b", "c")
	whole := generation("gen_b", "b", 1)
	whole.Segments[0].Ranks = [][]string{}
	f.ok(f.publish(whole, "")) // nothing to gain
	old := generation("gen_c", "c", 1, "seg_c", "seg_d")
	old.Segments[0].Ranks = [][]string{}
	f.ok(f.publish(old, "")) // nothing to keep
	ranked := generation("gen_1", "a", 1, "seg_1", "seg_2").Segments
	for i := range ranked {
		ranked[i].Ranks = [][]string{{"ward"}}
	}
	first, second := generation("gen_1", "a", 1), generation("gen_2", "a", 1)
	first.Segments, second.Segments = ranked[:1], ranked
	f.ok(f.publish(first, ""))
	f.ok(f.publish(second, "gen_1"))

	if early, err := f.Scattered(ctx, noon, false); err != nil || len(early) != 0 {
		t.Errorf("published at noon, and before noon there are %v, %v", early, err)
	}
	found, err := f.Scattered(ctx, noon.Add(time.Hour), false)
	f.ok(err)
	want := []Scattered{{Dataset: "visits", Tenant: "a", Generation: "gen_2", Version: 1}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Fatal(diff)
	}
	one := generation("", "a", 1, "seg_3").Segments[0]
	one.Ranks = [][]string{{"ward"}}
	table := found[0]
	table.Segments = second.Segments[:1]
	f.fails(f.compact(table, one), privacy.CodeConflict) // not all of them
	table.Segments = second.Segments
	stale := table
	stale.Generation = "gen_1"
	f.fails(f.compact(stale, one), privacy.CodeConflict)
	acts := len(f.acts(translog.KindGeneration))
	f.ok(f.compact(table, one))
	f.fails(f.compact(table, one), privacy.CodeConflict) // done

	after := second
	after.Segments = []Segment{one}
	head, _, err := f.Head(ctx, "visits", "a")
	f.ok(err)
	if diff := cmp.Diff(after, head); diff != "" {
		t.Error(diff)
	}
	if n := len(f.acts(translog.KindGeneration)); n != acts {
		t.Errorf("a merge wrote %d leaves to the log", n-acts)
	}
	if now, err := f.Superseded(ctx, noon); err != nil || len(now) != 0 {
		t.Errorf("may go at once: %v, %v", now, err)
	}
	later, err := f.Superseded(ctx, noon.Add(time.Hour))
	f.ok(err)
	if len(later) != 2 || later[0].ID != "seg_1" || later[1].ID != "seg_2" {
		t.Errorf("may go an hour later: %v", later)
	}
	f.ok(f.Forget(ctx, []string{"seg_1", "seg_2"}))
}
