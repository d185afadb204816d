package rank

import (
	"slices"

	"github.com/noised/noised/ingest/duck"
)

// minTrim is the smallest number of rows beyond the cap that are worth removing.
const minTrim = 1 << 16

// bound keeps what is held of a unit that has too many rows from growing without
// end. A row that is not among the first in the order of some of the unit's new
// rows is not among as many of all of them either, so it can go at once.
func (r *Ranker) bound() error {
	p := &r.pending
	if left := r.left(); len(p.where)-left >= max(left/2, minTrim) {
		if err := r.trim(); err != nil {
			return err
		}
	}
	if p.bytes > r.o.Memory {
		return ErrCrowded
	}
	return nil
}

// trim drops the rows of the present unit beyond the cap, and the chunks that
// they are in.
func (r *Ranker) trim() error {
	p := &r.pending
	r.ranks.sort(p.rows, r.compare)
	left := r.left()
	for _, i := range r.ranks.order[left:] {
		if err := r.excess(p.where[i]); err != nil {
			return err
		}
	}
	keep := slices.Sorted(slices.Values(r.ranks.order[:left]))
	compact := r.compact(keep)
	p.bytes = p.bytes / len(p.where) * len(keep)
	for to, from := range keep {
		p.rows[to] = p.rows[from]
		for g := range p.keys {
			p.keys[g][to] = p.keys[g][from]
		}
		p.where[to] = place{r.base + to/duck.ChunkRows(), uint32(to % duck.ChunkRows())}
	}
	p.rows, p.where = p.rows[:len(keep)], p.where[:len(keep)]
	for g := range p.keys {
		p.keys[g] = p.keys[g][:len(keep)]
	}
	last := len(r.held) - 1 // it may have rows of units to come
	for _, c := range r.held[:last] {
		c.Close()
	}
	r.held = append(compact, r.held[last])
	return nil
}

// compact copies rows of the present unit into as few chunks as hold them.
func (r *Ranker) compact(keep []int32) []*duck.Chunk {
	r.out.flush()
	var chunks []*duck.Chunk
	g := gather{columns: len(r.words), picked: r.out.picked}
	for i, from := range keep {
		if i%duck.ChunkRows() == 0 {
			g.take()
			chunks = append(chunks, r.o.Spare())
			g.into(chunks[len(chunks)-1])
		}
		w := r.pending.where[from]
		g.add(r.held[w.chunk-r.base], w.row)
	}
	g.take()
	for _, c := range chunks {
		c.Refresh()
		r.read(c)
	}
	return chunks
}
