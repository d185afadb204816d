package verify_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// TestALongLogVerifies: a fiftieth of the log whose time the suite of what is at rest
// judges. What many clients charge at once makes one log without a fault.
func TestALongLogVerifies(t *testing.T) {
	took, charges := verifyLong(t, 2000)
	t.Logf("%d charges verify in %s", charges, took)
	if charges != 2000 {
		t.Errorf("%d charges of 2000", charges)
	}
}

// verifyLong makes so many charges, and returns how long verifying them takes.
func verifyLong(t testing.TB, charges int) (time.Duration, int64) {
	t.Helper()
	w := open(t, filepath.Join(t.TempDir(), "control.db"), 2)
	for _, name := range []string{"a", "b", "c"} {
		limit := privacy.Loss{Epsilon: 90, Delta: 1e-5}
		ok(t, w.ledger.SetBudget(t.Context(), privacy.TenantAccount(name), ledger.Budget{Cap: limit}, admin))
	}
	var wg sync.WaitGroup
	requests := make(chan ledger.Request)
	for range 256 {
		wg.Go(func() {
			for r := range requests {
				if _, err := w.ledger.Charge(t.Context(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range charges {
		r := w.request()
		r.DatasetAccount, r.Periods, r.Cost = false, nil, privacy.Cost{Mu2: privacy.MinRunMu2}
		requests <- r
	}
	close(requests)
	wg.Wait()
	begin := time.Now()
	r := w.clean(w.head())
	return time.Since(begin), r.Charges
}
