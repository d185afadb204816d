package bounding

import (
	"errors"

	"github.com/noised/noised/analytics/plan"
)

// errCells is why a run with secret keys fails closed when it has too many
// groups for the width of its trees: as if memory had run out.
var errCells = errors.New("too many nodes of trees")

// treeCounts counts rows per group and node of a tree. A group has nodes once
// something is counted in it.
type treeCounts struct {
	branching int64
	offsets   []int64 // of the levels, from the leaves up
	width     int
	byGroup   [][]int64
	cells     int64 // nodes of all groups
}

func newTreeCounts(t plan.Tree) *treeCounts {
	c := &treeCounts{branching: int64(t.Branching), width: t.Width()}
	for level := t.Levels; level >= 1; level-- {
		c.offsets = append(c.offsets, int64(t.Offset(level)))
	}
	return c
}

func (c *treeCounts) grow(groups int) {
	c.byGroup = append(c.byGroup, make([][]int64, groups-len(c.byGroup))...)
}

// add counts rows at a leaf and at each node above it.
func (c *treeCounts) add(group int32, leaf, rows int64) error {
	nodes := c.byGroup[group]
	if nodes == nil {
		if c.cells += int64(c.width); c.cells > plan.MaxCells {
			return errCells
		}
		nodes = make([]int64, c.width)
		c.byGroup[group] = nodes
	}
	for _, offset := range c.offsets {
		nodes[offset+leaf] += rows
		leaf /= c.branching
	}
	return nil
}

func (c *treeCounts) draws(order []int) []int128 {
	out := make([]int128, len(order)*c.width)
	for i, group := range order {
		for node, n := range c.byGroup[group] {
			out[i*c.width+node] = int128{}.AddInt64(n)
		}
	}
	return out
}
