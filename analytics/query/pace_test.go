package query_test

import (
	"errors"
	"testing"
	"time"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
)

// Only an error that came before any charge may leave as soon as it is known:
// the time of every other one may have waited for a run over rows.
func TestUnpaid(t *testing.T) {
	h := newHouse(t)
	epsilon := func(e float64) func(*question.Request) { return func(r *question.Request) { r.Epsilon = &e } }
	key := func(r *question.Request) { r.IdempotencyKey = "k" }
	h.mustAsk(byWard, key)
	h.budget(privacy.TenantPrincipalAccount("north", other.ID), 1e-3)
	fails := func(engine.Input) error { return errors.New("out of memory") }

	for name, c := range map[string]struct {
		ask    func() error
		code   privacy.Code
		unpaid bool
	}{
		"not an analyst":  {func() error { _, err := h.Query(t.Context(), operator, question.Request{SQL: byWard}); return err }, privacy.CodeForbidden, true},
		"syntax":          {func() error { _, err := h.ask("SELEC"); return err }, privacy.CodeSQLSyntax, true},
		"unknown dataset": {func() error { _, err := h.ask("SELECT COUNT(*) FROM nobody"); return err }, privacy.CodeUnknownDataset, true},
		"parameters":      {func() error { _, err := h.ask(byWard, epsilon(-1)); return err }, privacy.CodePrivacyParameters, true},
		"exhausted":       {func() error { _, err := h.ask(byWard, epsilon(50)); return err }, privacy.CodeBudgetExhausted, true},
		"exhausted for a reader of a stored release": {func() error {
			_, err := h.Query(t.Context(), other, question.Request{SQL: byWard})
			return err
		}, privacy.CodeBudgetExhausted, false},
		"a charge under the same key": {func() error { _, err := h.ask("SELECT COUNT(*) AS n FROM visits", key); return err }, privacy.CodeIdempotencyMismatch, false},
		"failed run": {func() error {
			h.engine.before = fails
			_, err := h.ask("SELECT COUNT(*) AS n FROM visits", epsilon(0.25))
			return err
		}, privacy.CodeInternal, false},
	} {
		err := c.ask()
		if privacy.CodeOf(err) != c.code || query.Unpaid(err) != c.unpaid {
			t.Errorf("%s: %v (unpaid %t), want %s (unpaid %t)", name, err, query.Unpaid(err), c.code, c.unpaid)
		}
		h.engine.before = nil
	}
}

// A release is stored on the grid of its charge: until then it cannot be listed,
// its charge is pending, and nobody who asks the same gets it.
func TestReleasesAreStoredOnSlots(t *testing.T) {
	h := newHouse(t)
	const slot = 40 * time.Millisecond
	h = h.with(func(o *query.Options) { o.ResponseSlot = slot })
	a := h.mustAsk(byWard)
	items, _, err := h.ledger.Charges(t.Context(), privacy.DatasetAccount("visits"), "", 1)
	h.must(err)
	if stored := a.Release.CreatedAt.Sub(items[0].At); stored < slot/2 {
		t.Errorf("stored %s after its charge, before the first boundary at %s", stored, slot/2)
	}
}

// A run that fails is heard of on the same grid by everybody who waits for it:
// their own slots start when each of them came.
func TestFailuresAreHeardOfOnSlots(t *testing.T) {
	for name, fail := range map[string]func(engine.Input) error{
		"an error": func(engine.Input) error { return errors.New("out of memory") },
		"a panic":  func(engine.Input) error { panic("out of range") },
	} {
		const slot = 40 * time.Millisecond
		h := newHouse(t).with(func(o *query.Options) { o.ResponseSlot = slot })
		h.engine.before = fail
		_, err := h.ask(byWard)
		heard := time.Now()
		if privacy.CodeOf(err) != privacy.CodeInternal {
			t.Fatalf("%s: %v, want %s", name, err, privacy.CodeInternal)
		}
		items, _, err := h.ledger.Charges(t.Context(), privacy.DatasetAccount("visits"), "", 1)
		h.must(err)
		if after := heard.Sub(items[0].At); after < slot/2 {
			t.Errorf("%s: heard of %s after the charge, before the first boundary at %s", name, after, slot/2)
		}
	}
}
