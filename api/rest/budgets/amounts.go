package budgets

import (
	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

func budgetOf(epsilon, delta float64, window *wire.Window, lifetime *wire.Loss) consent.Budget {
	b := consent.Budget{Cap: privacy.Loss{Epsilon: epsilon, Delta: delta}, Window: privacy.WindowNone}
	if window != nil {
		b.Window = privacy.Window(*window)
	}
	if lifetime != nil {
		l := lossOf(*lifetime)
		b.Lifetime = &l
	}
	return b
}

func lossOf(l wire.Loss) privacy.Loss { return privacy.Loss{Epsilon: l.Epsilon, Delta: l.Delta} }

func spentOf(s ledger.State) wire.Amount {
	l := s.SpentLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.Spent.Rho()}
}

func remainingOf(s ledger.State) wire.Amount {
	l := s.RemainingLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.Remaining.Rho()}
}

func lifetimeSpentOf(s ledger.State) wire.Amount {
	l := s.SpentLifetimeLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.SpentLifetime.Rho()}
}

func lifetimeRemainingOf(s ledger.State) wire.Amount {
	l := s.RemainingLifetimeLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.RemainingLifetime.Rho()}
}

func wireLoss(l privacy.Loss) wire.Loss { return wire.Loss{Epsilon: l.Epsilon, Delta: l.Delta} }
