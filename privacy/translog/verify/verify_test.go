package verify_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
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

// TestListedChargesVerify: those of a store whose leaves list commitments, and what is
// charged after them in the form of now.
func TestListedChargesVerify(t *testing.T) {
	w := listed(t)
	forms := func() (lists, trees int) {
		ok(t, w.db.QueryRowContext(t.Context(), `SELECT count(*) FILTER (WHERE said LIKE '%"debits":[%'), count(*) FILTER (WHERE said LIKE '%"root":"%')
			FROM (SELECT CAST(leaf AS TEXT) AS said FROM log_leaves)`).Scan(&lists, &trees))
		return lists, trees
	}
	if lists, trees := forms(); lists != 50 || trees != 0 {
		t.Fatalf("%d leaves list commitments, and %d have a root", lists, trees)
	}
	if r := w.clean(); r.Charges != 46 || r.Releases != 42 || r.Size != 121 {
		t.Errorf("verified %+v", r)
	}
	old := w.head()
	w.paid = append(w.paid, w.request())
	w.paid[0].Key, w.paid[0].Tenants = "asked-2", []string{"a"} // joins one of the list
	w.n = 1000
	for range 60 {
		w.act()
	}
	w.clean(old)
	if lists, trees := forms(); lists != 50 || trees < 30 {
		t.Errorf("%d leaves list commitments, and %d have a root", lists, trees)
	}
}

// TestChargesOfManyVerify: of as many tenants as trees of each shape have.
func TestChargesOfManyVerify(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "control.db"), 7)
	var tenants []string
	for i := range 40 {
		tenants = append(tenants, fmt.Sprint("t", i))
		ok(t, w.ledger.SetBudget(t.Context(), privacy.TenantAccount(tenants[i]), ledger.Budget{Cap: privacy.Loss{Epsilon: 90, Delta: 1e-5}}, admin))
	}
	for i := range tenants {
		r := w.request()
		r.Tenants, r.DatasetAccount, r.Periods = tenants[:i+1], false, nil
		_, err := w.ledger.Charge(t.Context(), r)
		ok(t, err)
	}
	w.clean()
}
