package engine

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
)

// checkDraw refuses draws whose integers could leave the magnitude that they
// are noised by, or the nodes of their tree.
func checkDraw(d plan.Draw) error {
	q := d.Quantum
	if d.Kind == plan.DrawSquares || d.Kind == plan.DrawTree {
		if q.Lo > q.Hi || q.Lo < -plan.MaxStep || q.Hi > plan.MaxStep || q.Hi-q.Lo > plan.MaxSteps {
			return fmt.Errorf("the steps of %s are out of range", d)
		}
	}
	switch d.Kind {
	case plan.DrawSquares:
		if q.Reach() > plan.MaxSteps || d.Square != plan.SquareOf(q) {
			return fmt.Errorf("the squares of %s do not follow from its steps", d)
		}
	case plan.DrawTree:
		t := d.Tree
		if t.Leaves < 1 || t.Leaves > plan.MaxLeaves || t.StepsPerLeaf < 1 || t.Branching < 2 || t.Levels < 1 || t.Levels > maxLevels {
			return fmt.Errorf("the tree of %s is out of range", d)
		}
		if int64(t.Leaves)*t.StepsPerLeaf <= q.Hi-q.Lo || t.LevelWidth(1) > t.Branching {
			return fmt.Errorf("the tree of %s does not hold its steps", d)
		}
	case plan.DrawRows, plan.DrawUnits, plan.DrawSum, plan.DrawDistinct:
	default:
		return fmt.Errorf("draws of kind %d are unknown", d.Kind)
	}
	return nil
}

// maxLevels is that of a tree of plan.MaxLeaves leaves that branches by two.
const maxLevels = 12

// checkCells refuses results of more than plan.MaxCells integers where a draw is
// wider than one, as far as that follows from the plan: groups are known when
// all keys are declared. With secret keys there is at least one.
func checkCells(p *plan.Bound) error {
	width := p.Width()
	if width == int64(len(p.Draws)) { // then MaxGroups is limit enough
		return nil
	}
	if groups := max(p.DeclaredCount(plan.MaxCells), 1); groups > plan.MaxCells/width {
		return fmt.Errorf("%d groups of %d integers each", groups, width)
	}
	return nil
}
