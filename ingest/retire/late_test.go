package retire_test

import (
	"context"
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// TestAChargeThatCameTooLate: its question was prepared before the dataset was deleted,
// in another process say, and is charged after that.
func TestAChargeThatCameTooLate(t *testing.T) {
	h := newHouse(t)
	h.budgets()
	h.charge("early") // opens accounts
	before := h.states()
	h.Must(h.Delete(t.Context(), "birds", operator))
	_, err := h.led.Charge(context.Background(), ledger.Request{
		Key: "late", Principal: "key_p", Dataset: "birds", Tenants: []string{"a"}, DatasetAccount: true, Loss: limit, Cost: privacy.Cost{Mu2: privacy.CapOf(limit).Mu2 / 2},
	})
	if err == nil {
		pending, perr := h.led.Pending(t.Context())
		t.Errorf("it was charged; %d charges wait for ever (%v)", len(pending), perr)
	}
	for i, s := range h.states() {
		if s.Remaining != before[i].Remaining {
			t.Errorf("%s had %+v and has %+v", s.Account, before[i].Remaining, s.Remaining)
		}
	}
}
