package tally

import (
	"cmp"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Tree counts rows per group and leaf of a tree. The nodes above are made
// when they are asked for, of the groups that are asked for: how many groups
// secret keys have is a secret, so that neither the room that is needed for
// them nor an error about it may depend on their number.
type Tree struct {
	tree    plan.Tree
	byGroup []leafCounts
}

// NewTree returns the counts of no row yet.
func NewTree(t plan.Tree) *Tree { return &Tree{tree: t} }

// Grow implements Tally.
func (c *Tree) Grow(groups int) {
	c.byGroup = append(c.byGroup, make([]leafCounts, groups-len(c.byGroup))...)
}

// Add implements Tally.
func (c *Tree) Add(group int32, leaf, rows int64) {
	c.byGroup[group].add(leaf, rows, c.tree.Leaves)
}

// Each implements Tally.
func (c *Tree) Each(group int, f func(value, rows int64)) { c.byGroup[group].each(f) }

// Draws returns the nodes of the given groups, level by level as in plan.Tree.
func (c *Tree) Draws(order []int) []privacy.Int128 {
	width := c.tree.Width()
	out := make([]privacy.Int128, len(order)*width)
	nodes := make([]int64, width)
	for i, group := range order {
		clear(nodes)
		c.byGroup[group].each(func(leaf, rows int64) {
			for level := c.tree.Levels; level >= 1; level-- {
				nodes[int64(c.tree.Offset(level))+leaf] += rows
				leaf /= int64(c.tree.Branching)
			}
		})
		for node, n := range nodes {
			out[i*width+node] = privacy.Int128{}.AddInt64(n)
		}
	}
	return out
}

// leafCounts are the rows per leaf of one group: as pairs while these are few,
// else by leaf. It never holds more than one pair per row that was counted, or
// four numbers.
type leafCounts struct {
	few    []leafRows
	merges int     // merge when there are so many pairs
	all    []int64 // nil while there are few
}

type leafRows struct{ leaf, rows int64 }

// mergeLeaves is the least number of pairs that is worth merging.
const mergeLeaves = 16

func (c *leafCounts) add(leaf, rows int64, leaves int) {
	if c.all != nil {
		c.all[leaf] += rows
		return
	}
	if len(c.few) == max(c.merges, mergeLeaves) {
		c.merge()
		if 4*len(c.few) > leaves { // then pairs are not smaller
			c.spread(leaves)
			c.all[leaf] += rows
			return
		}
	}
	c.few = append(c.few, leafRows{leaf, rows})
}

// merge makes one pair of those of one leaf.
func (c *leafCounts) merge() {
	slices.SortFunc(c.few, func(a, b leafRows) int { return cmp.Compare(a.leaf, b.leaf) })
	out := c.few[:0]
	for _, p := range c.few {
		if n := len(out); n > 0 && out[n-1].leaf == p.leaf {
			out[n-1].rows += p.rows
		} else {
			out = append(out, p)
		}
	}
	c.few, c.merges = out, 2*len(out)
}

func (c *leafCounts) spread(leaves int) {
	c.all = make([]int64, leaves)
	for _, p := range c.few {
		c.all[p.leaf] += p.rows
	}
	c.few = nil
}

// each calls f for all that was counted; a leaf may come more than once.
func (c *leafCounts) each(f func(leaf, rows int64)) {
	for _, p := range c.few {
		f(p.leaf, p.rows)
	}
	for leaf, rows := range c.all {
		if rows != 0 {
			f(int64(leaf), rows)
		}
	}
}
