package planner

import (
	"fmt"
	"math"

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
// (ε, δ). μ² is split over the draws in proportion to fixed weights w_i. With
// μ_i² = w_i·μ²/Σw a draw of L2 sensitivity Δ_i gets σ_i = Δ_i·√Σw/(μ·√w_i). For a
// single integer Δ_i is the bound on what one unit moves it by, over all groups;
// for a tree of h levels it is that bound for each of its levels, times √h.
// Weights of 1 and h make the error relative to the bound √Σw/μ everywhere, and
// hence the largest of them as small as it can be. The draw that selects groups
// weighs as much as any other.
func (p *planning) price() error {
	p.priced.Plan, p.priced.Loss = &p.out, p.loss
	noise := p.loss
	if p.priced.Selection != nil {
		noise.Delta *= 1 - selectionShare
	}
	mu := privacy.MuOf(noise)
	weights := 0.0
	for _, d := range p.out.Draws {
		weights += weight(d)
	}
	cost := privacy.Cost{}
	for _, d := range p.out.Draws {
		s, err := sensitivity(d, p.out.Limits)
		if err != nil {
			return err
		}
		spec, err := mechanism.Calibrate(s, mu*mu*weight(d)/weights)
		if err != nil {
			return err
		}
		p.priced.Noise = append(p.priced.Noise, spec)
		cost = cost.Add(spec.Cost)
	}
	if mu2, _ := cost.Real(); mu2 > mu*mu {
		return privacy.Internal(fmt.Errorf("μ² of %g exceeds %g", mu2, mu*mu), "price a query")
	}
	if err := p.threshold(&cost); err != nil {
		return err
	}
	cost.Mu2 = max(cost.Mu2, privacy.MinRunMu2)
	p.priced.Cost = cost
	return nil
}

// At prices the same plan at another loss, of which no part may be zero. What is
// computed from rows does not depend on the loss, so that nothing is planned
// anew: this costs next to nothing, however long planning took.
func (p *Priced) At(loss privacy.Loss) (*Priced, error) {
	if err := loss.Check(); err != nil {
		return nil, err
	}
	again := &planning{out: *p.Plan, loss: loss, priced: Priced{Periods: p.Periods}}
	if p.Selection != nil {
		again.priced.Selection = &Selection{Draw: p.Selection.Draw}
	}
	if err := again.price(); err != nil {
		return nil, err
	}
	return &again.priced, nil
}

// weight is a draw's part in the price.
func weight(d plan.Draw) float64 {
	if d.Kind == plan.DrawTree {
		return float64(d.Tree.Levels)
	}
	return 1
}

func sqrt(n int64) float64 { return math.Sqrt(float64(n)) }

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
