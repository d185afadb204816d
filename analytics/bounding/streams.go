package bounding

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"sort"

	"github.com/noised/noised/analytics/bounding/internal/loom"
	"github.com/noised/noised/privacy"
)

// errOrder is why a run fails closed when a stream is out of order.
var errOrder = errors.New("a stream went back to an earlier unit")

// cursor is a place in a stream.
type cursor struct {
	stream  Stream
	numbers *Numbers
	batch   *Batch // nil after the last
	pos     int    // in the batch
	window  int    // end of the batch's rows in the window
	last    uint64 // unit of the batches so far
}

// merge takes the rows of some streams, which have all rows of their units.
//
// Streams that stand within a batch each know all of their rows up to their
// batch's last unit. So the rows of units before the least of these are all at
// hand, and are put in order by a loom, many at a time. Of that last unit itself
// there may be any number of rows: they are taken stream by stream.
func (b *Bounder) merge(ctx context.Context, sources []Source) error {
	b.cursors = b.cursors[:0]
	for _, s := range sources {
		c := cursor{stream: s.Stream, numbers: s.Numbers}
		if c.numbers == nil {
			c.numbers = &Numbers{}
		}
		if err := b.fill(ctx, &c); err != nil {
			return err
		}
		b.cursors = append(b.cursors, c)
	}
	for b.dropEnded(); len(b.cursors) > 1; b.dropEnded() {
		last := b.window()
		if err := b.through(ctx, last); err != nil {
			return err
		}
	}
	for _, c := range b.cursors {
		for c.batch != nil {
			b.add(c.batch, c.pos, len(c.batch.Units), c.numbers.groups)
			if err := b.fill(ctx, &c); err != nil {
				return err
			}
		}
	}
	b.end()
	return nil
}

func (b *Bounder) dropEnded() {
	b.cursors = slices.DeleteFunc(b.cursors, func(c cursor) bool { return c.batch == nil })
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
		if n := len(batch.Units); n > 0 {
			if !ascending(c.last, batch.Units) {
				return privacy.Internal(errOrder, "bounding")
			}
			c.last = batch.Units[n-1]
			return nil
		}
	}
}

// ascending reports whether units go on from an earlier one without going back.
func ascending(last uint64, units []uint64) bool {
	var back uint64
	for _, unit := range units {
		_, borrow := bits.Sub64(unit, last, 0)
		back, last = back|borrow, unit
	}
	return back == 0
}

// window takes all rows of units before the least that some batch ends with, and
// returns that unit.
func (b *Bounder) window() uint64 {
	last := b.cursors[0].last
	for _, c := range b.cursors[1:] {
		last = min(last, c.last)
	}
	rows, only, first := 0, 0, last
	b.windows = b.windows[:0]
	for i := range b.cursors {
		c := &b.cursors[i]
		if c.window = c.pos; c.batch.Units[c.pos] >= last {
			continue
		}
		units := c.batch.Units[c.pos:]
		c.window += sort.Search(len(units), func(i int) bool { return units[i] >= last })
		rows, only, first = rows+c.window-c.pos, i, min(first, units[0])
		b.windows = append(b.windows, loom.Rows{
			Units: c.batch.Units, Keys: c.batch.Keys, Groups: c.numbers.groups, Values: c.batch.Values, From: c.pos, To: c.window,
		})
	}
	switch c := &b.cursors[only]; len(b.windows) {
	case 0:
	case 1:
		b.add(c.batch, c.pos, c.window, c.numbers.groups)
	default:
		w := b.loom.Weave(b.windows, first, last, rows)
		b.woven = Batch{Units: w.Units, Keys: w.Keys, Values: w.Values}
		b.add(&b.woven, 0, rows, nil)
	}
	for i := range b.cursors {
		b.cursors[i].pos = b.cursors[i].window
	}
	return last
}

// through takes all rows of the unit that is the least of all.
func (b *Bounder) through(ctx context.Context, id uint64) error {
	for i := range b.cursors {
		c := &b.cursors[i]
		for c.batch != nil && c.batch.Units[c.pos] == id {
			end := c.pos + run(c.batch.Units[c.pos:])
			b.add(c.batch, c.pos, end, c.numbers.groups)
			if c.pos = end; end == len(c.batch.Units) {
				if err := b.fill(ctx, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
