package query_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
)

// loadRanked gives the tenant north a generation of segments with the given ranks.
func (h *house) loadRanked(generation, after string, ranks ...[][]string) {
	h.t.Helper()
	g := catalog.Generation{ID: generation, Dataset: "visits", Tenant: "north", Version: 1, FormatVersion: 1, Load: "load_1", At: time.Now()}
	for i, r := range ranks {
		id := fmt.Sprintf("%s_%d", generation, i)
		g.Segments = append(g.Segments, catalog.Segment{ID: id, Path: id, Ranks: r})
	}
	h.must(h.db.InTx(h.t.Context(), func(ctx context.Context, tx *sql.Tx) error { return h.catalog.Publish(ctx, tx, g, after) }))
}

var (
	indexed  = [][]string{{"ward"}} // what the contract asks of loads
	unranked = [][]string(nil)
)

func north(r *question.Request) { r.Tenants = []string{"north"} }

// TestQueriesAreBoundedAsWhatIsLoadedAllows: EXPLAIN, the run and the release
// name one way of bounding, and the price is the same for every way.
func TestQueriesAreBoundedAsWhatIsLoadedAllows(t *testing.T) {
	const all = "SELECT COUNT(*) AS n, COUNT(DISTINCT person) AS people FROM visits"
	h := newHouse(t)
	var ran engine.Input
	h.engine.before = func(in engine.Input) error {
		ran = in
		return nil
	}
	var prices []query.ExplainedCharge
	before := ""
	for i, tt := range []struct {
		loaded [][][]string
		sql    string
		want   string
		limits string
	}{
		{[][][]string{indexed}, byWard, "index on ward", `"max_partitions":2,"max_rows_per_partition":3`},
		{[][][]string{{{"doctor"}}}, byWard, "stream", `"max_partitions":2,"max_rows_per_partition":3`},
		{[][][]string{indexed, indexed}, byWard, "index on ward", `"max_partitions":2,"max_rows_per_partition":3`},
		{[][][]string{indexed, {}}, byWard, "stream", `"max_partitions":2,"max_rows_per_partition":3`},
		{[][][]string{unranked}, byWard, "stream", `"max_partitions":2,"max_rows_per_partition":3`},
		{nil, byWard, "index on ward", `"max_partitions":2,"max_rows_per_partition":3`},
		{[][][]string{indexed}, all, "rows", `"max_partitions":1,"max_rows_per_partition":3,"max_rows":3`},
		{[][][]string{unranked}, all, "stream", `"max_partitions":1,"max_rows_per_partition":3`},
	} {
		generation := fmt.Sprintf("gen_%d", i)
		h.loadRanked(generation, before, tt.loaded...)
		before = generation
		r := question.Request{SQL: tt.sql}
		north(&r)
		x, err := h.Explain(t.Context(), analyst, r)
		h.must(err)
		a := h.mustAsk(tt.sql, north)
		if a.Cached || x.Strategy != tt.want || ran.Plan.Strategy.String() != tt.want || a.Table.Get("noised.bounding") != `{"strategy":"`+tt.want+`",`+tt.limits+`}` {
			t.Errorf("%d: explained as %s, run as %s, released as %s, want %s", i, x.Strategy, ran.Plan.Strategy, a.Table.Get("noised.bounding"), tt.want)
		}
		if len(ran.Segments) != len(tt.loaded) {
			t.Fatalf("%d: %d segments are read, of %d", i, len(ran.Segments), len(tt.loaded))
		}
		for j, s := range ran.Segments {
			if diff := cmp.Diff(tt.loaded[j], s.Ranks); diff != "" {
				t.Error(diff)
			}
		}
		prices = append(prices, x.Charges[0])
	}
	for _, p := range prices {
		if p.Rho != prices[0].Rho || p.Epsilon != prices[0].Epsilon {
			t.Errorf("prices differ: %+v", prices)
		}
	}
}

// TestAChargeIsRedeemedHoweverItIsBounded: what was priced for ranks is redeemed
// on a generation without them, and the other way round. It costs what was charged.
func TestAChargeIsRedeemedHoweverItIsBounded(t *testing.T) {
	for name, loads := range map[string][2][][]string{"ranks are gone": {indexed, unranked}, "ranks have come": {unranked, indexed}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.loadRanked("gen_1", "", loads[0])
			var ran []plan.Bounding
			h.engine.before = func(in engine.Input) error {
				ran = append(ran, in.Plan.Strategy.Bounding)
				if err := in.Check(); err != nil {
					return err
				}
				if len(ran) == 1 {
					return errors.New("cut off")
				}
				return nil
			}
			key := func(r *question.Request) { r.IdempotencyKey = "once" }
			if _, err := h.ask(byWard, north, key); err == nil {
				t.Fatal("the run was not cut off")
			}
			paid := h.spent(privacy.TenantAccount("north"))
			h.loadRanked("gen_2", "gen_1", loads[1])
			h.must(h.Recover(t.Context()))
			a := h.mustAsk(byWard, north, key)
			want := []plan.Bounding{plan.BoundIndex, plan.BoundStream}
			if loads[0] == nil {
				slices.Reverse(want)
			}
			if diff := cmp.Diff(want, ran); diff != "" || a.Release.ID == "" {
				t.Errorf("release %q, bounded by: %s", a.Release.ID, diff)
			}
			if got := h.spent(privacy.TenantAccount("north")); paid == 0 || got != paid {
				t.Errorf("%d was charged at first, %d in the end", paid, got)
			}
		})
	}
}

// TestAnAnswerSaysHowItWasRun: where people are erased under a run and it goes on with
// rows that are bounded in another way, what the asker gets is what is stored.
func TestAnAnswerSaysHowItWasRun(t *testing.T) {
	h := newHouse(t)
	h.loadRanked("gen_1", "", indexed)
	once := sync.OnceFunc(func() { h.erase("gen_1", "gen_2") })
	h.engine.before = func(in engine.Input) error {
		if reads(in, "gen_1_0") {
			once()
			return errors.New("the file is gone")
		}
		return nil
	}
	a := h.mustAsk(byWard, north)
	back, err := h.Release(t.Context(), analyst, a.Release.ID)
	h.must(err)
	if !bytes.Equal(arrowOf(t, a), arrowOf(t, back)) || !strings.Contains(a.Table.Get("noised.bounding"), `"stream"`) {
		t.Errorf("answered as %s, stored as %s", a.Table.Get("noised.bounding"), back.Table.Get("noised.bounding"))
	}
}
