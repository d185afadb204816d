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
	tenant    string
	stream    Stream
	batch     *Batch
	columns   []column // of the batch
	pos       int
	translate []int32 // the stream's numbers of secret keys → groups
}

// bounder is the state of one run.
type bounder struct {
	plan    *plan.Bound
	k0, k1  uint64
	groups  *groups
	cursors []cursor
	heads   heads
	unit    unit
	totals  [][]int128 // by draw, then group; those of gathered draws stay zero
	reached []bool
}

// Run merges the sources and returns the bounded draws of a plan whose limits
// have been checked. Where the order of sources matters (Limits.MaxRows), it is
// by tenant, then as given.
func Run(ctx context.Context, p *plan.Bound, salt [16]byte, sources []Source) (*Result, error) {
	b := newBounder(p, salt)
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, func(x, y Source) int { return cmp.Compare(x.Tenant, y.Tenant) })
	var standing []head
	for i, s := range sources {
		b.cursors = append(b.cursors, cursor{tenant: s.Tenant, stream: s.Stream})
		if err := b.fill(ctx, &b.cursors[i]); err != nil {
			return nil, err
		}
		if c := &b.cursors[i]; c.batch != nil {
			standing = append(standing, head{c.batch.Units[0], uint64(i)})
		}
	}
	b.heads = newHeads(len(sources))
	b.heads.build(standing)
	if err := b.merge(ctx); err != nil {
		return nil, err
	}
	return b.result(), nil
}

func newBounder(p *plan.Bound, salt [16]byte) *bounder {
	b := &bounder{
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
func (b *bounder) grow() {
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
func (b *bounder) fill(ctx context.Context, c *cursor) error {
	for {
		batch, err := c.stream.Next(ctx)
		if err != nil {
			return err
		}
		c.batch, c.pos = batch, 0
		if batch == nil {
			return nil
		}
		if len(batch.Learned) > 0 {
			for _, key := range batch.Learned {
				c.translate = append(c.translate, b.groups.learn(key))
			}
			b.grow()
		}
		if len(batch.Units) > 0 {
			c.columns = b.unit.open(batch, c.columns[:0])
			return nil
		}
	}
}

// merge takes the rows of all streams, unit by unit.
func (b *bounder) merge(ctx context.Context) error {
	started, tenant := false, ""
	for b.heads.live > 0 {
		top := b.heads.top()
		c := &b.cursors[top.cursor]
		another := top.unit != b.unit.id || b.plan.Scope == plan.ScopeTenant && c.tenant != tenant
		if another || !started {
			b.finish()
			b.unit.reset(top.unit)
			started, tenant = true, c.tenant
		}
		next, err := b.takeRun(ctx, c)
		switch {
		case err != nil:
			return err
		case c.batch == nil:
			b.heads.pop()
		case next < top.unit:
			return privacy.Internal(errOrder, "bounding")
		default:
			b.heads.replace(next)
		}
	}
	b.finish()
	return nil
}

// takeRun takes the rows from a cursor to the end of its unit or batch, and
// returns the unit of the row that follows, if there is one.
func (b *bounder) takeRun(ctx context.Context, c *cursor) (uint64, error) {
	c.pos = b.unit.add(c.batch, c.columns, c.pos, c.translate)
	if units := c.batch.Units; c.pos < len(units) {
		return units[c.pos], nil
	}
	if err := b.fill(ctx, c); err != nil || c.batch == nil {
		return 0, err
	}
	return c.batch.Units[0], nil
}

// finish adds the gathered unit's contribution to the totals.
func (b *bounder) finish() {
	if len(b.unit.touched) == 0 {
		return
	}
	limits := b.plan.Limits
	chosen := b.unit.choose(limits.MaxPartitions, b.groups)
	b.unit.addTo(b.totals, b.reached, chosen, b.plan.Draws, limits)
	if len(b.unit.gathers) == 0 {
		return
	}
	kept := b.unit.keep(chosen)
	for _, g := range b.unit.gathers {
		g.finish(&b.unit, kept, limits.MaxRowsPerPartition, b.k0, b.k1, b.groups)
	}
}

// result returns the groups of the answer: all declared ones, or those that
// were reached, sorted.
func (b *bounder) result() *Result {
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
		if tree, ok := g.tally.(*treeCounts); ok && b.plan.Secret() {
			r.Draws[g.draw], r.Trees[g.draw] = nil, &Tree{counts: tree, order: order}
		} else {
			r.Draws[g.draw] = g.tally.draws(order)
		}
	}
	return r
}
