package bounding

import (
	"github.com/noised/noised/analytics/bounding/internal/tally"
	"github.com/noised/noised/analytics/plan"
)

// Merge returns the draws of a run whose rows several Bounders of one plan and
// salt have bounded, which are of no use afterwards. There is at least one.
//
// The result is that of one Bounder that sees all rows, bit for bit. For a unit
// contributes by its own rows alone, in stream order, and all of them are in one
// part, which keeps their order; so the contributions are the same, and each is
// made once. Rows, units, sums, squares and leaves add up in integers that do
// not overflow, values are counted in a union of sets, and a group is reached if
// any unit reaches it: none of these depends on the order of units. Secret keys
// are numbered anew, which no result shows.
func Merge(of ...*Bounder) *Result {
	b := of[0]
	for _, other := range of[1:] {
		b.absorb(other)
	}
	return b.result()
}

// absorb adds what another Bounder has counted.
func (b *Bounder) absorb(other *Bounder) {
	number := func(group int) int { return group }
	if b.plan.Secret() {
		numbers := make([]int, len(other.groups.keys))
		for i, key := range other.groups.keys {
			numbers[i] = int(b.groups.number(other.groups.canonical[i], key))
		}
		number = func(group int) int { return numbers[group] }
		b.grow()
	}
	for i, reached := range other.reached {
		if b.plan.Secret() && !reached {
			continue
		}
		group := number(i)
		b.reached[group] = true
		for d := range b.totals {
			b.totals[d][group] = b.totals[d][group].Add(other.totals[d][i])
		}
		for d, g := range b.unit.gathers {
			other.unit.gathers[d].tally.Each(i, func(value, rows int64) { g.tally.Add(int32(group), value, rows) })
		}
	}
}

// result returns the groups of the answer: all declared ones, or those that
// were reached, sorted.
func (b *Bounder) result() *Result {
	order := b.groups.sorted(func(group int) bool { return b.reached[group] })
	r := &Result{Keys: b.groups.keys, Draws: b.totals, Trees: make([]*Tree, len(b.totals))}
	if b.plan.Secret() {
		r.Keys, r.Draws = make([][]plan.Value, len(order)), make([][]int128, len(b.totals))
		for i, group := range order {
			r.Keys[i] = b.groups.keys[group]
		}
		for d := range r.Draws {
			r.Draws[d] = make([]int128, len(order))
			for i, group := range order {
				r.Draws[d][i] = b.totals[d][group]
			}
		}
	}
	for _, g := range b.unit.gathers {
		if tree, ok := g.tally.(*tally.Tree); ok && b.plan.Secret() {
			r.Draws[g.draw], r.Trees[g.draw] = nil, &Tree{counts: tree, order: order}
		} else {
			r.Draws[g.draw] = g.tally.Draws(order)
		}
	}
	return r
}
