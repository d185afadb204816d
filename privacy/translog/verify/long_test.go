//go:build vault

package verify_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// TestAThousandTamperings: each alone, of stores of several sizes, one of them from
// before charges had commitments for each tenant, one from before they had a tree; and
// stores that were rolled back.
func TestAThousandTamperings(t *testing.T) {
	made, caught := 0, 0
	for seed := range uint64(8) {
		w := open(t, filepath.Join(t.TempDir(), "control.db"), 100+seed)
		switch seed {
		case 7:
			w = before(t)
		case 6:
			w = listed(t)
		default:
			w.budgets()
			for range 20 + 20*seed {
				w.act()
			}
		}
		head := w.head()
		w.clean(head)
		ok(t, w.db.Close())
		missed := tamperWith(t, w.path, seed, 140, head)
		for _, m := range missed {
			t.Errorf("not caught: %s", m)
		}
		made, caught = made+140, caught+140-len(missed)
	}
	n, missed := rollBacks(t, 20)
	made, caught = made+n, caught+n-missed
	t.Attr("vault", fmt.Sprintf("tamperings=%d", made))
	t.Attr("vault", fmt.Sprintf("caught=%d", caught))
}

// rollBacks puts older copies of a store in its place, as they were and as they go
// on by themselves to the size of the store.
func rollBacks(t *testing.T, times int) (made, missed int) {
	t.Helper()
	w := open(t, filepath.Join(t.TempDir(), "control.db"), 5)
	w.budgets()
	for i := range times {
		for range 10 {
			w.act()
		}
		old := open(t, w.copied(), uint64(i))
		old.n = 10_000 * (i + 1) // asks for other things
		for range 5 {
			w.act()
		}
		seen := w.head()
		w.clean(seen)
		for _, goOn := range []bool{false, true} {
			for goOn && old.head().Size < seen.Size {
				old.act()
			}
			made++
			if r := old.verify(seen); len(r.Problems) == 0 {
				missed++
				t.Errorf("a store that was rolled back was not caught, gone on: %t", goOn)
			}
		}
		ok(t, old.db.Close())
	}
	return made, missed
}

// TestAHundredThousandChargesVerify in under ten seconds.
func TestAHundredThousandChargesVerify(t *testing.T) {
	took, charges := verifyLong(t, 100_000)
	t.Attr("vault", fmt.Sprintf("verify_charges=%d", charges))
	t.Attr("vault", fmt.Sprintf("verify_seconds=%.2f", took.Seconds()))
	if charges != 100_000 || took > 10*time.Second {
		t.Errorf("%d charges verify in %s", charges, took)
	}
}
