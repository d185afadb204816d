package planner

import (
	"fmt"
	"math/bits"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// selectionShare is the part of a query's δ that pays for selecting secret
// groups; the rest decides how much noise ε buys.
const selectionShare = 0.5

// price calibrates the noise of each draw and adds up what is lost.
//
// The loss (ε, δ) asked for is the μ of the analytic Gaussian mechanism at that
// (ε, δ). μ² is split equally over the draws: with μ_i² = w_i·μ² the error of
// draw i relative to its sensitivity is 1/(μ·√w_i), and equal weights make the
// largest of them as small as it can be. The draw that selects groups weighs
// as much as any other.
func (p *planning) price() error {
	p.priced.Plan, p.priced.Loss, p.priced.Strategy = &p.out, p.loss, Strategy
	noise := p.loss
	if p.priced.Selection != nil {
		noise.Delta *= 1 - selectionShare
	}
	mu := privacy.MuOf(noise)
	share := mu * mu / float64(len(p.out.Draws))
	cost := privacy.Cost{}
	for _, d := range p.out.Draws {
		s, err := sensitivity(d, p.out.Limits)
		if err != nil {
			return err
		}
		spec, err := mechanism.Calibrate(s, share)
		if err != nil {
			return err
		}
		p.priced.Noise = append(p.priced.Noise, spec)
		cost = cost.Add(spec.Cost)
	}
	if mu2, _ := cost.Real(); mu2 > mu*mu {
		return privacy.Internal(fmt.Errorf("μ² of %g exceeds %g", mu2, mu*mu), "price a query")
	}
	if err := tailsFit(cost, p.loss); err != nil {
		return err
	}
	if err := p.threshold(&cost); err != nil {
		return err
	}
	cost.Mu2 = max(cost.Mu2, privacy.MinRunMu2)
	p.priced.Cost = cost
	return nil
}

// tailsFit refuses a δ that is smaller than what the noise's own tails lose.
// Accounts are charged for the tails in any case, beside what was asked for;
// this keeps the δ that a release states from being the lesser part of it.
func tailsFit(cost privacy.Cost, asked privacy.Loss) error {
	if _, tails := cost.Real(); tails > asked.Delta {
		return privacy.Errorf(privacy.CodePrivacyParameters,
			"delta %g is too small for these contribution bounds: the noise itself loses up to %.2g", asked.Delta, tails).
			Suggest("ask for a delta of at least %.2g, or lower max_partitions", tails)
	}
	return nil
}

// threshold sets what a secret group's noised count must reach, and adds its
// price.
func (p *planning) threshold(cost *privacy.Cost) error {
	sel := p.priced.Selection
	if sel == nil {
		return nil
	}
	sel.Delta = p.loss.Delta * selectionShare
	// A unit adds at most one to a group's count: of units, or of rows when
	// MaxRowsPerPartition is 1.
	t, err := mechanism.NewThreshold(p.priced.Noise[sel.Draw], 1, p.out.Limits.MaxPartitions, sel.Delta)
	if err != nil {
		return err
	}
	sel.Threshold = t
	delta, err := privacy.CostOf(0, sel.Delta)
	if err != nil {
		return err
	}
	*cost = cost.Add(delta)
	return nil
}

// sensitivity returns how far one unit moves a draw, by the limits alone. It is
// the vector bound of privacy.Bounds times what one row adds at most.
func sensitivity(d plan.Draw, limits privacy.Bounds) (mechanism.Sensitivity, error) {
	if d.Kind == plan.DrawUnits {
		limits = limits.Units()
	}
	m := d.Magnitude()
	hi, lo := bits.Mul64(uint64(limits.MaxRowsPerPartition), uint64(m))
	if hi != 0 || lo > uint64(privacy.MaxRelease) {
		return mechanism.Sensitivity{}, privacy.Errorf(privacy.CodePrivacyParameters,
			"the contribution of one privacy unit is too large: lower max_rows_per_partition or narrow the bounds")
	}
	return mechanism.Sensitivity{
		L0:   limits.MaxPartitions,
		L1:   limits.L1Rows() * float64(m),
		L2:   limits.L2Rows() * float64(m),
		LInf: int64(lo),
	}, nil
}
