package query_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/privacy"
)

func TestFailedRunStaysRedeemable(t *testing.T) {
	h := newHouse(t)
	h.engine.before = func(engine.Input) error { return errors.New("secret value 4711 in row 12") }
	_, err := h.ask(byWard)
	if privacy.CodeOf(err) != privacy.CodeInternal || privacy.AsError(err).Message != "internal error" {
		t.Fatalf("a failed run gave %v", err)
	}
	paid := h.spent(privacy.TenantAccount("north"))
	if paid == 0 {
		t.Fatal("a failed run was not charged")
	}
	h.engine.before = nil
	if a := h.mustAsk(byWard); a.Release.ID == "" {
		t.Error("no release after the retry")
	}
	if got := h.spent(privacy.TenantAccount("north")); got != paid {
		t.Errorf("the retry was charged: %d, want %d", got, paid)
	}
}

func TestRestartFinishesPendingCharges(t *testing.T) {
	h := newHouse(t)
	h.engine.before = func(engine.Input) error { return errors.New("cut off") }
	if _, err := h.ask(byWard); err == nil {
		t.Fatal("the run was not cut off")
	}
	h.engine.before = nil
	h.must(h.Recover(t.Context()))
	runs := h.engine.ran()
	if a := h.mustAsk(byWard); !a.Cached || h.engine.ran() != runs {
		t.Errorf("the recovered release was not served: cached %t, %d runs after %d", a.Cached, h.engine.ran(), runs)
	}
}

func TestIdempotencyKeySurvivesNewData(t *testing.T) {
	h := newHouse(t)
	key := func(r *query.Request) { r.IdempotencyKey = "retry-1" }
	first := h.mustAsk(byWard, key)
	h.must(h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return h.catalog.Publish(ctx, tx, catalog.Generation{ID: "gen_1", Dataset: "visits", Tenant: "north", Version: 1, FormatVersion: 1, Load: "load_1", At: time.Now()}, "")
	}))
	paid := h.spent(privacy.DatasetAccount("visits"))
	again := h.mustAsk(byWard, key)
	if !bytes.Equal(arrowOf(t, first), arrowOf(t, again)) || h.spent(privacy.DatasetAccount("visits")) != paid {
		t.Error("the retry was not the first answer")
	}
	if _, err := h.ask("SELECT COUNT(*) AS n FROM visits", key); privacy.CodeOf(err) != privacy.CodeIdempotencyMismatch {
		t.Errorf("another request under the same key: %v", err)
	}
}

func TestConcurrentAskersShareOneCharge(t *testing.T) {
	h := newHouse(t)
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			if a, err := h.ask(byWard); err == nil {
				ids[i] = a.Release.ID
			}
		})
	}
	wg.Wait()
	if slices.Sort(ids); ids[0] == "" || ids[0] != ids[len(ids)-1] {
		t.Errorf("askers got different releases: %v", ids)
	}
	items, _, err := h.ledger.Charges(t.Context(), privacy.DatasetAccount("visits"), "", 100)
	h.must(err)
	if len(items) != 1 {
		t.Errorf("%d charges for one release", len(items))
	}
}

func TestHangUpStillRedeems(t *testing.T) {
	h := newHouse(t)
	ctx, hangUp := context.WithCancel(t.Context())
	h.engine.before = func(engine.Input) error { hangUp(); return nil }
	if _, err := h.Query(ctx, analyst, query.Request{SQL: byWard}); err != nil && privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Fatalf("a caller that left got %v", err)
	}
	h.must(h.Close(t.Context()))
	h.engine.before = nil
	if a := h.mustAsk(byWard); !a.Cached {
		t.Error("the charge of a caller that left was not redeemed")
	}
	if h.engine.ran() != 1 {
		t.Errorf("%d runs, want 1", h.engine.ran())
	}
}
