package rank

import (
	"cmp"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/duck"
)

// earlier is what is known of the present unit's rows of earlier loads.
type earlier struct {
	rows  int       // the first unit rank of new rows
	count int       // how many there are
	known []classes // by grouping
}

// classes are those of one grouping that a unit has.
type classes struct {
	list   []class // by hash, but for the newest
	sorted int     // of the list, each hash once
	keys   int     // the first key rank of a new class
}

// class is a key hash, its key rank, and the first row rank of new rows.
type class struct {
	hash uint64
	key  uint16
	rows int32
}

// classBytes is what is held of an earlier row in one grouping.
const classBytes = 16

// forget empties what is known.
func (e *earlier) forget() {
	e.rows, e.count = 0, 0
	for g := range e.known {
		c := &e.known[g]
		c.list, c.sorted, c.keys = c.list[:0], 0, 0
	}
}

// addEarlier notes rows i to end of a chunk, which are earlier rows of the unit.
func (r *Ranker) addEarlier(c *duck.Chunk, i, end int) error {
	p, e := &r.pending, &r.earlier
	rank := func(column int) []uint16 { return duck.View[uint16](c.Columns[r.ranksAt+column], c.Rows) }
	e.count += end - i
	for _, at := range rank(0)[i:end] {
		e.rows = max(e.rows, int(at)+1)
	}
	held := 0
	for g := range e.known {
		known := &e.known[g]
		unit := r.keys[g].unit(p.unit)
		keys, rows := rank(1+2*g), rank(2+2*g)
		for j := i; j < end; j++ {
			hash, _ := r.keys[g].row(unit, c.Columns, r.words, j)
			known.add(hash, keys[j], rows[j])
		}
		held += classBytes * len(known.list)
	}
	if p.bytes+held > r.o.Memory {
		return ErrCrowded
	}
	return nil
}

// add notes the ranks of an earlier row.
func (c *classes) add(hash uint64, key, row uint16) {
	if len(c.list) > 2*c.sorted+minSort {
		c.sort()
	}
	c.list = append(c.list, class{hash, key, int32(row) + 1})
	c.keys = max(c.keys, int(key)+1)
}

// minSort is the number of unsorted classes that are worth sorting.
const minSort = 1 << 12

// sort puts the classes in the order of hashes, each once.
func (c *classes) sort() {
	slices.SortFunc(c.list, func(a, b class) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), -cmp.Compare(a.rows, b.rows))
	})
	c.list = slices.CompactFunc(c.list, func(a, b class) bool { return a.hash == b.hash })
	c.sorted = len(c.list)
}

// first is the unit rank of the first new row. Where ranks were stopped, the
// number of rows still tells.
func (e *earlier) first() int { return max(e.rows, e.count) }

// find returns the class of a hash among the sorted classes from one on, and
// where to look for larger hashes.
func (c *classes) find(hash uint64, from int) (found *class, at int) {
	for from < len(c.list) && c.list[from].hash < hash {
		from++
	}
	if from < len(c.list) && c.list[from].hash == hash {
		return &c.list[from], from + 1
	}
	return nil, from
}

func saturated(rank int) uint16 { return uint16(min(rank, plan.MaxRank)) }
