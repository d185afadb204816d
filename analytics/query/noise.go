package query

import (
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/privacy"
)

// noise turns exact partials into a core that may be stored and shown. Each
// draw of each group gets its noise exactly once.
//
// With declared keys every group is kept. With secret keys a group is kept iff
// its noisy selection count passes the threshold; the other draws of a group
// that is not kept are never made, and nothing about it remains. Kept groups
// are sorted by key, so that their order says nothing about the rows'.
//
// The loss is what the planner priced: the vector of draw d over all groups has
// the sensitivity that Noise[d] was calibrated to (plan.Bound.Limits, enforced
// by the engine), draws compose by adding μ², and a group that only one of two
// neighbouring data sets has passes the threshold with probability at most
// δ/L0 (mechanism.Threshold).
func noise(p *planner.Priced, exact *engine.Partials) (*finish.Core, error) {
	if err := checkShape(p, exact); err != nil {
		return nil, err
	}
	core := &finish.Core{Draws: make([][]int64, len(exact.Draws))}
	row := make([]int64, len(exact.Draws))
	for _, g := range groupOrder(p.Plan, exact.Keys) {
		kept, err := noiseGroup(p, exact, g, row)
		if err != nil {
			return nil, err
		}
		if !kept {
			continue
		}
		core.Keys = append(core.Keys, exact.Keys[g])
		for d, v := range row {
			core.Draws[d] = append(core.Draws[d], v)
		}
	}
	return core, nil
}

// noiseGroup draws the noise of one group into row. It reports false for a
// group whose key stays secret.
func noiseGroup(p *planner.Priced, exact *engine.Partials, g int, row []int64) (kept bool, err error) {
	selecting := -1
	if p.Selection != nil {
		selecting = p.Selection.Draw
		if row[selecting], err = p.Noise[selecting].Noise(exact.Draws[selecting][g]); err != nil {
			return false, err
		}
		if !p.Selection.Threshold.Keep(row[selecting]) {
			return false, nil
		}
	}
	for d := range row {
		if d == selecting {
			continue // the count that selected the group is the count that is shown
		}
		if row[d], err = p.Noise[d].Noise(exact.Draws[d][g]); err != nil {
			return false, err
		}
	}
	return true, nil
}

// checkShape fails closed when plan, price and partials do not belong
// together: a secret key without a threshold must never leave.
func checkShape(p *planner.Priced, exact *engine.Partials) error {
	switch {
	case p.Plan.Secret() != (p.Selection != nil):
		return privacy.Internal(fmt.Errorf("secret keys %t, selection %t", p.Plan.Secret(), p.Selection != nil), "noise")
	case len(p.Noise) != len(p.Plan.Draws) || len(exact.Draws) != len(p.Plan.Draws):
		return privacy.Internal(fmt.Errorf("%d draws planned, %d priced, %d computed", len(p.Plan.Draws), len(p.Noise), len(exact.Draws)), "noise")
	}
	for _, d := range exact.Draws {
		if len(d) != len(exact.Keys) {
			return privacy.Internal(fmt.Errorf("%d values for %d groups", len(d), len(exact.Keys)), "noise")
		}
	}
	return nil
}

// groupOrder returns the order in which groups leave: declared order as it is,
// secret keys sorted by value.
func groupOrder(b *plan.Bound, keys [][]plan.Value) []int {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	if b.Secret() {
		slices.SortFunc(order, func(x, y int) int {
			return slices.CompareFunc(keys[x], keys[y], plan.Value.Compare)
		})
	}
	return order
}
