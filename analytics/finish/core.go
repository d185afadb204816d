package finish

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// Core is what a release stores: the keys that passed selection, and the noised
// integers of each draw, in steps of the draw's quantum: one per group, or one
// per node of a tree, group by group.
//
// In a plan of declared keys there are no Keys: the groups are the combinations
// of plan.Bound.DeclaredKeys, in that order, and follow from the plan.
type Core struct {
	Keys  [][]plan.Value // [group][key]; nil in a plan of declared keys
	Draws [][]int64      // [draw][group·Width + node]
}

// View is the query as planned: how draws become columns.
type View struct {
	Plan       *plan.Bound
	Noise      []mechanism.Spec // one per draw
	Confidence float64          // of the intervals, e.g. 0.95
}

// groups returns the number of groups under a plan.
func (c *Core) groups(b *plan.Bound) int {
	if b.Secret() {
		return len(c.Keys)
	}
	return int(b.DeclaredCount(plan.MaxCells))
}

// check holds the core's shape against the plan's.
func (c *Core) check(b *plan.Bound) error {
	switch {
	case len(c.Draws) != len(b.Draws):
		return privacy.Internal(fmt.Errorf("%d draws for a plan of %d", len(c.Draws), len(b.Draws)), "core shape")
	case c.Keys != nil && !b.Secret():
		return privacy.Internal(fmt.Errorf("%d keys for a plan that declares its own", len(c.Keys)), "core shape")
	}
	groups := c.groups(b)
	for i, d := range c.Draws {
		if width := b.Draws[i].Width(); len(d) != groups*width {
			return privacy.Internal(fmt.Errorf("%d values for %d groups of %d", len(d), groups, width), "core shape")
		}
	}
	return nil
}
