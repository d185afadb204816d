// Package pricing says what a bound plan costs, and with how much noise: how far one
// unit moves each draw, by the plan's limits alone, the noise that hides that at the
// loss that was asked for, and what every account is debited for it.
package pricing

import (
	"fmt"
	"math"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// Priced is a query that may run, for a price.
type Priced struct {
	Plan      *plan.Bound
	Loss      privacy.Loss     // as asked for
	Cost      privacy.Cost     // what each account is debited: at least privacy.MinRunMu2
	Noise     []mechanism.Spec // by draw
	Selection *Selection       // nil when every key is declared
	// Periods are the budget periods whose rows the plan can read, by
	// contract.Period.Name, sorted; nil when the contract has one budget for all
	// rows. The plan's filter excludes the rows of all other periods.
	Periods []string
}

// Selection says which groups of a query with a secret key are shown: those
// whose noised count reaches the threshold.
type Selection struct {
	Draw      int
	Threshold mechanism.Threshold
	Delta     float64 // what selecting costs beside the draw
}

// SelectionShare is the part of a query's δ that pays for selecting secret
// groups; the rest decides how much noise ε buys.
const SelectionShare = 0.5

// Of prices a plan at a loss of which no part is zero. Of a selection the draw is
// given.
func Of(b *plan.Bound, loss privacy.Loss, selection *Selection, periods []string) (*Priced, error) {
	p := &Priced{Plan: b, Loss: loss, Selection: selection, Periods: periods}
	if err := p.price(); err != nil {
		return nil, err
	}
	return p, nil
}

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
func (p *Priced) price() error {
	noise := p.Loss
	if p.Selection != nil {
		noise.Delta *= 1 - SelectionShare
	}
	mu := privacy.MuOf(noise)
	weights := 0.0
	for _, d := range p.Plan.Draws {
		weights += weight(d)
	}
	cost := privacy.Cost{}
	for _, d := range p.Plan.Draws {
		s, err := sensitivity(d, p.Plan.Limits)
		if err != nil {
			return err
		}
		spec, err := mechanism.Calibrate(s, mu*mu*weight(d)/weights)
		if err != nil {
			return err
		}
		p.Noise = append(p.Noise, spec)
		cost = cost.Add(spec.Cost)
	}
	if mu2, _ := cost.Real(); mu2 > mu*mu {
		return privacy.Internal(fmt.Errorf("μ² of %g exceeds %g", mu2, mu*mu), "price a query")
	}
	if err := p.threshold(&cost); err != nil {
		return err
	}
	cost.Mu2 = max(cost.Mu2, privacy.MinRunMu2)
	p.Cost = cost
	return nil
}

// At prices the same plan at another loss, of which no part may be zero. What is
// computed from rows does not depend on the loss, so that nothing is planned
// anew: this costs next to nothing, however long planning took.
func (p *Priced) At(loss privacy.Loss) (*Priced, error) {
	if err := loss.Check(); err != nil {
		return nil, err
	}
	again := *p.Plan
	var selection *Selection
	if p.Selection != nil {
		selection = &Selection{Draw: p.Selection.Draw}
	}
	return Of(&again, loss, selection, p.Periods)
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
func (p *Priced) threshold(cost *privacy.Cost) error {
	sel := p.Selection
	if sel == nil {
		return nil
	}
	sel.Delta = p.Loss.Delta * SelectionShare
	// A unit adds at most one to a group's count: of units, or of rows when
	// MaxRowsPerPartition is 1.
	t, err := mechanism.NewThreshold(p.Noise[sel.Draw], 1, p.Plan.Limits.MaxPartitions, sel.Delta)
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
