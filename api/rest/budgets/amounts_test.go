package budgets

import (
	"testing"

	"github.com/noised/noised/privacy/ledger"
)

func TestABudgetShowsAThousandAccountsAtMost(t *testing.T) {
	for _, n := range []int{0, 1000, 1001} {
		if got := len(accountsOf(make([]ledger.State, n))); got != min(n, 1000) {
			t.Errorf("of %d accounts %d are shown", n, got)
		}
	}
}
