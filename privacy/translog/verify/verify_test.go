package verify_test

import (
	"path/filepath"
	"testing"

	"github.com/noised/noised/privacy/translog"
)

// TestAnUntouchedStoreHasNoProblem: whatever is done in whatever order, by the
// ledger itself.
func TestAnUntouchedStoreHasNoProblem(t *testing.T) {
	for seed := range uint64(4) {
		w := open(t, filepath.Join(t.TempDir(), "control.db"), seed)
		w.clean()
		seen := []translog.Checkpoint{w.head()}
		w.budgets()
		for range 8 {
			for range 25 {
				w.act()
			}
			seen = append(seen, w.head())
			w.clean(seen...)
		}
		if r := w.clean(); r.Charges < 100 || r.Accounts < 10 || r.Releases < 50 || r.Size != w.head().Size || r.Root != w.head().Root {
			t.Errorf("verified %+v", r)
		}
	}
}

// TestChargesFromBeforeVerify: those of a store that an earlier version wrote, and
// what is charged after them.
func TestChargesFromBeforeVerify(t *testing.T) {
	w := before(t)
	if r := w.clean(); r.Charges != 16 || r.Releases != 13 || r.Size != 56 {
		t.Errorf("verified %+v", r)
	}
	old := w.head()
	w.paid = append(w.paid, w.request())
	w.paid[0].Key, w.paid[0].Tenants = "key-1", []string{"a", "b"} // joins one from before
	for range 60 {
		w.act()
	}
	w.clean(old)
}
