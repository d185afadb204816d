package query_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/privacy"
)

// visitsOf is a generation of the tenant north with a file.
func visitsOf(id string) catalog.Generation {
	return catalog.Generation{
		ID: id, Dataset: "visits", Tenant: "north", Version: 1, FormatVersion: 1, Load: "load_1", At: time.Now(),
		Segments: []catalog.Segment{{ID: "seg_" + id, Path: "tenants/north/visits/" + id + ".duckdb", SHA256: "0"}},
	}
}

// erase replaces a generation of the tenant north by one that people were erased from.
func (h *house) erase(before, after string) {
	h.t.Helper()
	h.must(h.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		return h.catalog.Erase(ctx, tx, visitsOf(after), before)
	}))
}

func (h *house) publishFile(id, before string) {
	h.t.Helper()
	h.must(h.db.InTx(h.t.Context(), func(ctx context.Context, tx *sql.Tx) error { return h.catalog.Publish(ctx, tx, visitsOf(id), before) }))
}

// reads are the files that a run was given, by their ends.
func reads(in engine.Input, file string) bool {
	return slices.ContainsFunc(in.Segments, func(s engine.Segment) bool { return s.Path[len(s.Path)-len(file):] == file })
}

// A charge that waits when people are erased runs on the next generation, for the same
// price, and its answer is the one that was paid for. So it does when the process that
// charged it has died.
func TestAChargeThatWaitsRunsOnTheNextGeneration(t *testing.T) {
	for _, name := range []string{"recovered", "asked again"} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.publishFile("one", "")
			h.engine.before = func(engine.Input) error { return errors.New("cut off") }
			if _, err := h.ask(byWard); err == nil {
				t.Fatal("the run was not cut off")
			}
			paid := h.spent(privacy.TenantAccount("north"))
			h.erase("one", "two")
			h.engine.before = func(in engine.Input) error {
				if !reads(in, "two.duckdb") || reads(in, "one.duckdb") {
					return errors.New("the file is gone")
				}
				return nil
			}
			if name == "recovered" {
				h.must(h.Recover(t.Context()))
				pending, err := h.ledger.Pending(t.Context())
				h.must(err)
				if len(pending) > 0 {
					t.Fatalf("%d charges have no release", len(pending))
				}
				if now := h.spent(privacy.TenantAccount("north")); now != paid {
					t.Errorf("%d units were spent and now %d", paid, now)
				}
				return
			}
			h.mustAsk(byWard) // of the new generation, and so another charge
			if now := h.spent(privacy.TenantAccount("north")); now != 2*paid {
				t.Errorf("%d units were spent and now %d", paid, now)
			}
		})
	}
}

// A run under which people are erased goes on with the next generation, in the same
// request, and is charged once.
func TestARunGoesOnWhenItsFilesAreErased(t *testing.T) {
	h := newHouse(t)
	h.publishFile("one", "")
	once := sync.OnceFunc(func() { h.erase("one", "two") })
	h.engine.before = func(in engine.Input) error {
		if reads(in, "one.duckdb") {
			once()
			return errors.New("the file is gone")
		}
		return nil
	}
	a := h.mustAsk(byWard)
	paid := h.spent(privacy.TenantAccount("north"))
	if a.Release.ID == "" || h.engine.ran() != 2 {
		t.Errorf("release %q after %d runs", a.Release.ID, h.engine.ran())
	}
	var read string
	h.must(h.db.QueryRowContext(t.Context(), `SELECT generation FROM release_reads WHERE release = ? AND tenant = 'north'`, a.Release.ID).Scan(&read))
	if read != "two" {
		t.Errorf("the release is said to have read %q", read)
	}
	back, err := h.Release(t.Context(), analyst, a.Release.ID)
	h.must(err)
	if back.Release.ID != a.Release.ID || paid == 0 {
		t.Errorf("%+v", back.Release)
	}
}

// Every other failure is one, however the data has changed: a replaced generation keeps
// its files for those that began with it.
func TestOnlyErasuresBeginARunAgain(t *testing.T) {
	h := newHouse(t)
	h.publishFile("one", "")
	h.engine.before = func(in engine.Input) error {
		if reads(in, "one.duckdb") {
			h.publishFile("two", "one")
		}
		return errors.New("cut off")
	}
	if _, err := h.ask(byWard); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("%v", err)
	}
	if h.engine.ran() != 1 {
		t.Errorf("%d runs", h.engine.ran())
	}
}

// A question whose generations go on being erased ends as any failed run does.
func TestARunEndsWhateverIsErased(t *testing.T) {
	h := newHouse(t)
	h.publishFile("g0", "")
	ids := []string{"g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"}
	n := 0
	h.engine.before = func(engine.Input) error {
		h.erase(ids[n], ids[n+1])
		n++
		return errors.New("the file is gone")
	}
	if _, err := h.ask(byWard); privacy.CodeOf(err) != privacy.CodeInternal || h.engine.ran() != 4 {
		t.Errorf("%v after %d runs", err, h.engine.ran())
	}
}
