package bounding

import (
	"github.com/noised/noised/analytics/bounding/internal/tally"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Result holds the exact, bounded draws of every group. It is private.
type Result struct {
	// Keys are the groups: all declared combinations in plan.DeclaredKeys
	// order, or, in a plan with a secret key, those to which some unit
	// contributes, sorted.
	Keys [][]plan.Value
	// Draws is indexed by draw of the plan, then by group; a draw has Width
	// integers per group. That of a tree under secret keys is nil: see Trees.
	Draws [][]privacy.Int128
	// Trees is indexed by draw, and has the trees of a plan with a secret key;
	// all else is nil.
	Trees []*Tree
}

// Tree is a draw of a tree under secret keys, whose nodes are made of the groups
// that are shown only. All groups together can have more nodes than memory has
// room for, and a run that failed for that would tell how many groups there
// are, with no noise.
type Tree struct {
	counts *tally.Tree
	order  []int
}

// Nodes returns the nodes of some groups, Width of each, in that order.
func (t *Tree) Nodes(groups []int) []privacy.Int128 {
	order := make([]int, len(groups))
	for i, g := range groups {
		order[i] = t.order[g]
	}
	return t.counts.Draws(order)
}

// Of returns a draw's integers in some groups, in that order, for a draw of the
// given width.
func (r *Result) Of(draw, width int, groups []int) []privacy.Int128 {
	if draw < len(r.Trees) && r.Trees[draw] != nil {
		return r.Trees[draw].Nodes(groups)
	}
	out := make([]privacy.Int128, 0, len(groups)*width)
	for _, g := range groups {
		out = append(out, r.Draws[draw][g*width:(g+1)*width]...)
	}
	return out
}
