package bounding

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// int128 is the type of totals.
type int128 = privacy.Int128

// errOrder is why a run fails closed when a stream is out of order.
var errOrder = errors.New("a stream went back to an earlier unit")

// cursor is a place in a stream.
type cursor struct {
	tenant  string
	stream  Stream
	batch   *Batch
	columns []column // of the batch
	pos     int
	numbers *Numbers
}

// Bounder bounds the rows of a plan, part by part. It is not safe for concurrent
// use; several of them, each with parts of its own, make a parallel run.
type Bounder struct {
	plan     *plan.Bound
	k0, k1   uint64
	groups   *groups
	cursors  []cursor
	heads    heads
	standing []head
	unit     unit
	totals   [][]int128 // by draw, then group; those of gathered draws stay zero
	reached  []bool     // by secret group
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
	b.cursors = slices.Grow(b.cursors[:0], len(sources))[:len(sources)]
	b.standing = b.standing[:0]
	for i, s := range sources {
		c := &b.cursors[i]
		*c = cursor{tenant: s.Tenant, stream: s.Stream, numbers: s.Numbers, columns: c.columns}
		if c.numbers == nil {
			c.numbers = &Numbers{}
		}
		if err := b.fill(ctx, c); err != nil {
			return err
		}
		if c.batch != nil {
			b.standing = append(b.standing, head{c.batch.Units[0], uint64(i)})
		}
	}
	b.heads = newHeads(len(sources))
	b.heads.build(b.standing)
	return b.merge(ctx)
}

// New returns a Bounder that has seen no row.
func New(p *plan.Bound, salt [16]byte) *Bounder {
	b := &Bounder{
		plan:   p,
		unit:   newUnit(len(p.Draws), p.Limits),
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
		g.tally.grow(n)
	}
}

// fill moves a cursor to the first row of its next batch; at the end of the
// stream its batch is nil.
func (b *Bounder) fill(ctx context.Context, c *cursor) error {
	for {
		batch, err := c.stream.Next(ctx)
		if err != nil {
			return err
		}
		c.batch, c.pos = batch, 0
		if batch == nil {
			return nil
		}
		b.Learn(c.numbers, batch.Learned)
		if len(batch.Units) > 0 {
			c.columns = b.unit.open(batch, c.columns[:0])
			return nil
		}
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

// merge takes the rows of all streams, unit by unit.
func (b *Bounder) merge(ctx context.Context) error {
	u, perTenant := &b.unit, b.plan.Scope == plan.ScopeTenant
	for b.heads.live > 0 {
		top := b.heads.top()
		tenant := b.cursors[top.cursor].tenant
		u.reset(top.unit)
		for same := true; same; {
			c := &b.cursors[top.cursor]
			c.pos = u.add(c.batch, c.columns, c.pos, c.numbers.groups)
			if c.pos == len(c.batch.Units) {
				if err := b.fill(ctx, c); err != nil {
					return err
				}
			}
			if c.batch == nil {
				b.heads.pop()
			} else if next := c.batch.Units[c.pos]; next >= u.id {
				b.heads.replace(next)
			} else {
				return privacy.Internal(errOrder, "bounding")
			}
			top = b.heads.top()
			same = top.unit == u.id && b.heads.live > 0 && !(perTenant && b.cursors[top.cursor].tenant != tenant)
		}
		b.finish()
	}
	return nil
}

// finish adds the gathered unit's contribution to the totals.
func (b *Bounder) finish() {
	if len(b.unit.touched) == 0 {
		return
	}
	limits := b.plan.Limits
	chosen := b.unit.choose(limits.MaxPartitions, b.groups)
	b.unit.addTo(b.totals, chosen, b.plan.Draws, limits)
	if b.groups.numbers != nil {
		for _, slot := range chosen {
			b.reached[b.unit.touched[slot].group] = true
		}
	}
	if len(b.unit.gathers) == 0 {
		return
	}
	kept := b.unit.keep(chosen)
	for _, g := range b.unit.gathers {
		g.finish(&b.unit, kept, limits.MaxRowsPerPartition, b.k0, b.k1, b.groups)
	}
}
