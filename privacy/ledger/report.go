package ledger

import (
	"github.com/noised/noised/privacy"
)

// SpentLoss returns the (ε, δ) that the current window has spent:
// ε(Σμ², δ_conv), and δ_conv + Σδ. It is a true statement of differential
// privacy about everything charged in the window, so the part of δ that
// converts Σμ² to ε is spent as soon as anything is.
func (s State) SpentLoss() privacy.Loss { return spentLoss(s.Spent, s.Cap) }

// SpentLifetimeLoss is SpentLoss for the account's whole life, at the lifetime
// ceiling's δ.
func (s State) SpentLifetimeLoss() privacy.Loss { return spentLoss(s.SpentLifetime, s.Lifetime) }

// RemainingLoss returns cap − spent, of the window or of the lifetime ceiling,
// whichever is less, and not below zero. It is a report and decides nothing:
// under Gaussian composition more queries fit than its ε suggests.
func (s State) RemainingLoss() privacy.Loss {
	window, life := s.SpentLoss(), s.SpentLifetimeLoss()
	return privacy.Loss{
		Epsilon: max(0, min(s.Cap.Epsilon-window.Epsilon, s.Lifetime.Epsilon-life.Epsilon)),
		Delta:   max(0, min(s.Cap.Delta-window.Delta, s.Lifetime.Delta-life.Delta)),
	}
}

// RemainingLifetimeLoss is what the lifetime ceiling leaves, whatever the window
// does.
func (s State) RemainingLifetimeLoss() privacy.Loss {
	life := s.SpentLifetimeLoss()
	return privacy.Loss{
		Epsilon: max(0, s.Lifetime.Epsilon-life.Epsilon),
		Delta:   max(0, s.Lifetime.Delta-life.Delta),
	}
}

func spentLoss(spent privacy.Cost, limit privacy.Loss) privacy.Loss {
	_, delta := spent.Real()
	if spent.Mu2 == 0 {
		return privacy.Loss{Delta: delta}
	}
	return privacy.Loss{Epsilon: privacy.SpentEpsilon(spent, limit), Delta: limit.ConversionDelta() + delta}
}
