package bounding

import (
	"cmp"
	"context"
	"slices"

	"github.com/noised/noised/analytics/bounding/internal/loom"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// int128 is the type of totals.
type int128 = privacy.Int128

// Bounder bounds the rows of a plan, part by part. It is not safe for concurrent
// use; several of them, each with parts of its own, make a parallel run.
type Bounder struct {
	plan    *plan.Bound
	k0, k1  uint64
	groups  *groups
	cursors []cursor
	loom    loom.Loom
	windows []loom.Rows // of the cursors that have rows in the window
	woven   Batch
	unit    units
	totals  [][]int128 // by draw, then group; those of gathered draws stay zero
	reached []bool     // by secret group
}

// Run merges the sources and returns the bounded draws of a plan whose limits
// have been checked. Where the order of sources matters (Limits.MaxRows), it is
// by tenant, then as given.
func Run(ctx context.Context, p *plan.Bound, salt [16]byte, sources []Source) (*Result, error) {
	b := New(p, salt)
	if err := b.Add(ctx, sources); err != nil {
		return nil, err
	}
	return Merge(b), nil
}

// Add bounds a part of the rows: all rows, of all streams, of units of which no
// other call, of this or another Bounder of the run, sees any. Under scope tenant
// a unit is that of one tenant. After an error the Bounder is of no use.
func (b *Bounder) Add(ctx context.Context, sources []Source) error {
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, func(x, y Source) int { return cmp.Compare(x.Tenant, y.Tenant) })
	for len(sources) > 0 {
		n := len(sources)
		if b.plan.Scope == plan.ScopeTenant {
			n = 1
			for n < len(sources) && sources[n].Tenant == sources[0].Tenant {
				n++
			}
		}
		if err := b.merge(ctx, sources[:n]); err != nil {
			return err
		}
		sources = sources[n:]
	}
	return nil
}

// New returns a Bounder that has seen no row.
func New(p *plan.Bound, salt [16]byte) *Bounder {
	b := &Bounder{
		plan:   p,
		unit:   newUnits(len(p.Draws), p.Limits),
		totals: make([][]int128, len(p.Draws)),
	}
	b.k0, b.k1 = saltKeys(salt)
	b.groups = newGroups(p, newRanking(b.k0, b.k1))
	b.unit.lowest.larger = b.unit.larger(b.groups)
	for i, d := range p.Draws {
		if d.Kind == plan.DrawDistinct || d.Kind == plan.DrawTree {
			b.unit.gathers = append(b.unit.gathers, newGatherer(i, d, b.k0, b.k1))
		}
	}
	b.grow()
	return b
}

// grow makes room for every group known so far.
func (b *Bounder) grow() {
	n := len(b.groups.keys)
	b.unit.grow(n)
	more := n - len(b.reached)
	b.reached = append(b.reached, make([]bool, more)...)
	for d := range b.totals {
		b.totals[d] = append(b.totals[d], make([]int128, more)...)
	}
	for _, g := range b.unit.gathers {
		g.tally.Grow(n)
	}
}

// Learn adds keys to those of some streams, as Batch.Learned does.
func (b *Bounder) Learn(n *Numbers, keys [][]plan.Value) {
	if len(keys) == 0 {
		return
	}
	for _, key := range keys {
		n.groups = append(n.groups, b.groups.learn(key))
	}
	b.grow()
}

// add takes some consecutive rows of a batch, which are ordered by unit and go on
// from those before. A unit's values are gathered for that unit alone.
func (b *Bounder) add(batch *Batch, from, to int, translate []int32) {
	u := &b.unit
	for until := to; from < to; from = until {
		if len(u.gathers) > 0 {
			if u.open && batch.Units[from] != u.id {
				b.end()
			}
			until = from + run(batch.Units[from:to])
		}
		if u.take(batch, from, until, translate); len(u.ended) > 0 {
			b.finish()
		}
	}
}

// run returns how many of the units are the first one.
func run(units []uint64) int {
	n := 1
	for n < len(units) && units[n] == units[0] {
		n++
	}
	return n
}

// end ends the unit whose rows came last.
func (b *Bounder) end() {
	b.unit.end()
	b.finish()
}

// finish adds the contributions of the units that have ended to the totals.
func (b *Bounder) finish() {
	limits := b.plan.Limits
	u, first, from := &b.unit, int32(0), 0
	u.chosen = u.chosen[:0]
	for _, e := range u.ended {
		u.choose(e.id, first, e.end, limits.MaxPartitions, b.groups)
		if first = e.end; u.counted { // each unit's norm is its own
			u.addTo(b.totals, u.chosen[from:], b.plan.Draws, limits)
			from = len(u.chosen)
		}
	}
	if !u.counted {
		u.addTo(b.totals, u.chosen, b.plan.Draws, limits)
	}
	if b.groups.numbers != nil {
		for _, slot := range u.chosen {
			b.reached[u.touched[slot].group] = true
		}
	}
	if len(u.gathers) > 0 {
		kept := u.keep(u.chosen)
		for _, g := range u.gathers {
			g.finish(u, kept, limits.MaxRowsPerPartition, b.k0, b.k1, b.groups)
		}
	}
	u.forget()
}
