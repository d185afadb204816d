package ledger

import (
	"fmt"
	"math"
	"testing"

	"github.com/noised/noised/privacy"
)

func TestReports(t *testing.T) {
	limit := privacy.Loss{Epsilon: 3, Delta: 1e-6}
	wide := privacy.Loss{Epsilon: 10, Delta: 1e-5}
	corner := privacy.CapOf(limit)
	tests := []struct {
		name             string
		state            State
		spent, remaining privacy.Loss
	}{
		{"nothing spent", State{Cap: limit, Lifetime: limit}, privacy.Loss{}, limit},
		{"all spent", State{Cap: limit, Lifetime: limit, Spent: corner, SpentLifetime: corner}, limit, privacy.Loss{}},
		{"spent in another window", State{Cap: limit, Lifetime: wide, SpentLifetime: corner}, privacy.Loss{}, privacy.Loss{Epsilon: 3, Delta: 9e-7}},
		{"the lifetime is over", State{Cap: limit, Lifetime: wide, SpentLifetime: privacy.CapOf(wide)}, privacy.Loss{}, privacy.Loss{}},
		{"selection only", State{Cap: limit, Lifetime: limit, Spent: privacy.Cost{Delta: corner.Delta}, SpentLifetime: privacy.Cost{Delta: corner.Delta}},
			privacy.Loss{Delta: 1e-7}, privacy.Loss{Epsilon: 3, Delta: 9e-7}},
		{"a cap lowered below what is spent", State{Cap: limit, Lifetime: wide, Spent: privacy.CapOf(wide), SpentLifetime: privacy.CapOf(wide)},
			privacy.Loss{Epsilon: privacy.SpentEpsilon(privacy.CapOf(wide), limit), Delta: 1.9e-6}, privacy.Loss{}},
	}
	near := func(a, b privacy.Loss) bool {
		return math.Abs(a.Epsilon-b.Epsilon) < 1e-6 && math.Abs(a.Delta-b.Delta) < 1e-12
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.state.SpentLoss(); !near(got, tt.spent) {
				t.Errorf("spent %+v, want %+v", got, tt.spent)
			}
			if got := tt.state.RemainingLoss(); !near(got, tt.remaining) {
				t.Errorf("remaining %+v, want %+v", got, tt.remaining)
			}
		})
	}
}

func TestExhaustedNamesAccountsForTheLog(t *testing.T) {
	e := &Exhausted{Accounts: []privacy.Account{privacy.TenantAccount("a"), privacy.DatasetAccount("d")}}
	if got, want := fmt.Sprint(e), "exhausted: tenant:a, dataset:d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
