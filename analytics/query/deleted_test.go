package query_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/privacy"
)

// TestADeletionStopsARunningQuestion: its charge stands, nothing is released, and there
// is nothing to ask again for.
func TestADeletionStopsARunningQuestion(t *testing.T) {
	h := newHouse(t)
	began, goOn := h.held()
	defer goOn()
	answered := make(chan error, 1)
	go func() {
		_, err := h.ask(byWard)
		answered <- err
	}()
	<-began
	h.must(h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if err := h.ledger.AbandonIn(ctx, tx, "visits"); err != nil {
			return err
		}
		return h.catalog.DeleteDatasetIn(ctx, tx, "visits", operator)
	}))
	h.options.Containment.Look(t.Context())
	goOn()
	err := <-answered
	const want = "the dataset of this question was deleted; its charge stands, and there will be no answer"
	if e := privacy.AsError(err); e == nil || e.Code != privacy.CodeSuspended || e.Message != want || query.Unpaid(err) {
		t.Errorf("%v (unpaid %t)", err, query.Unpaid(err))
	}
	paid := h.spent(privacy.TenantAccount("north"))
	h.must(h.Recover(t.Context()))
	if paid == 0 || h.releases() != 0 {
		t.Errorf("spent %d, %d releases", paid, h.releases())
	}
	if _, err := h.ask(byWard); privacy.CodeOf(err) != privacy.CodeUnknownDataset {
		t.Errorf("asked again: %v", err)
	}
	if now := h.spent(privacy.TenantAccount("north")); now != paid {
		t.Errorf("spent %d, and then %d", paid, now)
	}
}
