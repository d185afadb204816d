package query_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
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
	key := func(r *question.Request) { r.IdempotencyKey = "retry-1" }
	first := h.mustAsk(byWard, key)
	h.publish("gen_1")
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
	if _, err := h.Query(ctx, analyst, question.Request{SQL: byWard}); err != nil && privacy.CodeOf(err) != privacy.CodeUnavailable {
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

// TestIdempotencyKeyOfAStoredRelease: a key that was first answered from the
// store is bound to that release too, view and all.
func TestIdempotencyKeyOfAStoredRelease(t *testing.T) {
	h := newHouse(t)
	h.mustAsk(byWard)
	paid := h.spent(privacy.DatasetAccount("visits"))
	const top = "SELECT ward AS w, COUNT(*) AS n FROM visits GROUP BY ward ORDER BY n DESC LIMIT 1"
	ask := func() []byte {
		a, err := h.Query(t.Context(), other, question.Request{SQL: top, IdempotencyKey: "stored"})
		h.must(err)
		return arrowOf(t, a)
	}
	first := ask()
	h.publish("gen_1")
	if again := ask(); !bytes.Equal(first, again) || h.spent(privacy.DatasetAccount("visits")) != paid {
		t.Error("the retry was not the first answer, or was charged")
	}
}

// TestPayersQuestionIsTheOneThatIsStored: when another analyst's identical core
// finishes a charge, the payer still reads what he asked.
func TestPayersQuestionIsTheOneThatIsStored(t *testing.T) {
	h := newHouse(t)
	h.engine.before = func(engine.Input) error { return errors.New("cut off") }
	if _, err := h.ask(byWard); err == nil {
		t.Fatal("the run was not cut off")
	}
	h.engine.before = nil
	const renamed = "SELECT ward AS w, COUNT(*) AS c FROM visits GROUP BY ward LIMIT 1"
	served, err := h.Query(t.Context(), other, question.Request{SQL: renamed})
	h.must(err)
	back, err := h.Release(t.Context(), analyst, served.Release.ID)
	h.must(err)
	if back.Release.SQL != byWard || back.Table.Rows() != 2 || served.Table.Rows() != 1 {
		t.Errorf("the payer reads %q with %d rows", back.Release.SQL, back.Table.Rows())
	}
}

// TestPanicFailsTheRunOnly.
func TestPanicFailsTheRunOnly(t *testing.T) {
	h := newHouse(t)
	h.engine.before = func(engine.Input) error { panic("row 4711") }
	if _, err := h.ask(byWard); privacy.CodeOf(err) != privacy.CodeInternal || strings.Contains(err.Error(), "4711") {
		t.Errorf("a panic gave %v, want an internal error without its value", err)
	}
}

// TestFailuresLookAlike: a run that ran out of time is not told from one that
// failed.
func TestFailuresLookAlike(t *testing.T) {
	h := newHouse(t)
	for name, cause := range map[string]error{"timeout": context.DeadlineExceeded, "engine": errors.New("out of memory")} {
		h.engine.before = func(engine.Input) error { return cause }
		_, err := h.ask(byWard)
		if privacy.CodeOf(err) != privacy.CodeInternal || errors.Is(err, cause) || privacy.AsError(err).Message != "internal error" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhoHasTheLongestTimeGetsTheAnswer: neither what a question waits nor what its run
// takes is beyond the limit, and together they are.
func TestWhoHasTheLongestTimeGetsTheAnswer(t *testing.T) {
	h := newHouse(t)
	const limit = 3 * time.Second
	h = h.with(func(o *query.Options) { o.Timeout = limit })
	h.engine.before = func(engine.Input) error { return errors.New("cut off") }
	if _, err := h.ask(byWard); err == nil {
		t.Fatal("the run was not cut off")
	}
	pending, err := h.ledger.Pending(t.Context())
	h.must(err)
	if ok, err := h.ledger.Acquire(t.Context(), pending[0].ID, "a process that died", limit/2); err != nil || !ok {
		t.Fatalf("lease: %t, %v", ok, err)
	}
	h.engine.before = func(engine.Input) error { time.Sleep(2 * limit / 3); return nil }
	ctx, cancel := context.WithTimeout(t.Context(), h.Longest())
	defer cancel()
	began := time.Now()
	if _, err := h.Query(ctx, analyst, question.Request{SQL: byWard}); err != nil {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	if took := time.Since(began); took < limit {
		t.Errorf("it took %s: nothing was tried", took)
	}
}

// TestChargeOfADeadProcessIsTakenOver: whoever asks gets the answer once the
// lease of a process that died has lapsed.
func TestChargeOfADeadProcessIsTakenOver(t *testing.T) {
	h := newHouse(t)
	h.engine.before = func(engine.Input) error { return errors.New("cut off") }
	if _, err := h.ask(byWard); err == nil {
		t.Fatal("the run was not cut off")
	}
	h.engine.before = nil
	pending, err := h.ledger.Pending(t.Context())
	h.must(err)
	before := time.Now()
	if ok, err := h.ledger.Acquire(t.Context(), pending[0].ID, "a process that died", time.Second/2); err != nil || !ok {
		t.Fatalf("lease: %t, %v", ok, err)
	}
	if a := h.mustAsk(byWard); a.Release.ID == "" || h.engine.ran() != 2 {
		t.Errorf("release %q after %d runs", a.Release.ID, h.engine.ran())
	}
	if whole := before.Add(time.Second/2 + h.options.Timeout); h.engine.limit.Before(whole) {
		t.Errorf("the wait took %s of the time of the run", whole.Sub(h.engine.limit))
	}
}
