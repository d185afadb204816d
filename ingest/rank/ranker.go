package rank

import (
	"errors"
	"strings"

	"github.com/noised/noised/ingest/duck"
)

// ErrCrowded says that one unit's rows do not fit the memory that was granted.
var ErrCrowded = errors.New("one unit's rows need too much memory")

var errDisorder = errors.New("rows are not in the order of units")

// Options say what rows look like and where they go.
type Options struct {
	Salt []byte // 16 bytes
	// Columns are the names of the columns to store; they stand behind the unit
	// in the chunks that come in, and first but for the unit in those that go out.
	Columns   []string
	Groupings [][]string // of columns, each sorted; nil for rows that are put in order only
	IDs       bool       // a whole number stands before the unit: what Excess is told
	// Earlier says that rows of earlier loads come, too, for the new ones to be
	// ranked behind. Their ranks stand behind the columns, in the order in which
	// they go out; the ranks of a new row are NULL there. Of the columns of an
	// earlier row only those of groupings matter, and it does not go out.
	Earlier bool
	// Numbered are the columns of texts that come as numbers.
	Numbered []Numbered
	Cap      int // the number of rows of one unit that are kept, with the earlier ones: those of the lowest unit rank
	Memory   int // bytes that one unit's rows may take

	// Spare returns an empty chunk like those that come in.
	Spare func() *duck.Chunk
	// Empty returns an empty chunk of the table to fill: the unit, the columns,
	// and, unless Groupings is nil, the unit rank and for each grouping the key
	// rank and the row rank. What stands behind them is left as it is.
	Empty func() (*duck.Chunk, error)
	// Put takes a filled chunk.
	Put func(*duck.Chunk) error
	// Excess is told of every row that is not kept; its id is 0 without IDs.
	Excess func(id int64, unit uint64) error
}

// Numbered is a column of texts that come as numbers. It ranks as the texts do.
type Numbered struct {
	Column int                // of Columns
	To     int                // where the numbers go, in the chunks to fill; the texts do not
	Texts  func() *duck.Texts // asked for when rows have come
}

// Ranker takes rows in ascending order of units, and gives them out in the order
// of units and unit ranks, with their ranks. A unit's rows are held back until
// all have come.
type Ranker struct {
	o       Options
	unitAt  int
	ranksAt int
	row     hasher
	keys    []hasher
	needed  []int // columns of the hashes
	words   []column

	held    []*duck.Chunk // with rows of the present unit, the newest last
	base    int           // number of the first of them
	pending pending
	earlier earlier
	ranks   ranks
	out     gather
	ranked  [][]uint16 // the rank columns of the chunk to fill
}

// pending are the new rows of the present unit that have come so far.
type pending struct {
	unit  uint64
	rows  []uint64   // hashes
	keys  [][]uint64 // by grouping
	where []place
	bytes int
}

// place is where a row lies.
type place struct {
	chunk int // by number
	row   uint32
}

// New returns a ranker. It must be closed.
func New(o Options) (*Ranker, error) {
	r := &Ranker{o: o}
	if o.IDs {
		r.unitAt = 1
	}
	first := r.unitAt + 1
	r.ranksAt = first + len(o.Columns)
	at := map[string]int{}
	all := make([]int, len(o.Columns))
	for i, name := range o.Columns {
		at[name], all[i] = first+i, first+i
	}
	r.row, r.needed = newHasher(o.Salt, "row", all), all
	for _, g := range o.Groupings {
		var columns []int
		for _, name := range g {
			column, ok := at[name]
			if !ok {
				return nil, errors.New("a grouping has a column that is not stored")
			}
			columns = append(columns, column)
		}
		r.keys = append(r.keys, newHasher(o.Salt, "key\x00"+strings.Join(g, "\x00"), columns))
	}
	r.words = make([]column, r.ranksAt)
	r.earlier.known = make([]classes, len(o.Groupings))
	r.pending.keys = make([][]uint64, len(o.Groupings))
	r.ranks.key, r.ranks.row = make([][]uint16, len(o.Groupings)), make([][]uint16, len(o.Groupings))
	r.out = gather{first: r.unitAt, columns: 1 + len(o.Columns), elsewhere: elsewhere(o), picked: duck.NewSelection()}
	return r, nil
}

// Close frees what is held.
func (r *Ranker) Close() {
	for _, c := range r.held {
		c.Close()
	}
	if r.out.to != nil {
		r.out.to.Close()
	}
	r.out.picked.Close()
}

// Add takes the next rows. The chunk is the ranker's from then on.
func (r *Ranker) Add(c *duck.Chunk) error {
	r.held = append(r.held, c)
	r.read(c)
	for _, at := range r.needed {
		r.words[at].load(c.Columns[at], c.Rows)
	}
	units := duck.View[uint64](c.Columns[r.unitAt], c.Rows)
	for i := 0; i < len(units); {
		end := i + 1
		for end < len(units) && units[end] == units[i] {
			end++
		}
		if err := r.addUnit(c, units, i, end); err != nil {
			return err
		}
		i = end
	}
	switch n := len(r.pending.where); {
	case n == 0:
		r.release(len(r.held))
	case r.pending.where[0].chunk == r.newest():
		r.release(len(r.held) - 1)
	}
	return nil
}

// newest is the number of the newest chunk.
func (r *Ranker) newest() int { return r.base + len(r.held) - 1 }

// addUnit takes rows i to end of the newest chunk, which are all that it has of
// a unit.
func (r *Ranker) addUnit(c *duck.Chunk, units []uint64, i, end int) error {
	p := &r.pending
	switch {
	case units[i] < p.unit:
		return errDisorder
	case units[i] > p.unit && len(p.where)+r.earlier.count > 0:
		if err := r.finishUnit(); err != nil {
			return err
		}
	}
	p.unit = units[i]
	if len(p.where) == 0 && r.earlier.count == 0 && end == i+1 && end < len(units) && !r.isEarlier(c, i) {
		return r.alone(c, i)
	}
	for i < end {
		next, old := i+1, r.isEarlier(c, i)
		for next < end && r.isEarlier(c, next) == old {
			next++
		}
		var err error
		if old {
			err = r.addEarlier(c, i, next)
		} else {
			err = r.addNew(c, i, next)
		}
		if err != nil {
			return err
		}
		i = next
	}
	return nil
}

// isEarlier reports whether a row is one of an earlier load.
func (r *Ranker) isEarlier(c *duck.Chunk, row int) bool {
	return r.o.Earlier && !c.Columns[r.ranksAt].Null(row)
}

// addNew takes rows i to end of the newest chunk, which are new rows of the
// present unit.
func (r *Ranker) addNew(c *duck.Chunk, i, end int) error {
	p, number := &r.pending, r.newest()
	row := r.row.unit(p.unit)
	for j := i; j < end; j++ {
		hash, words := r.row.row(row, c.Columns, r.words, j)
		p.rows = append(p.rows, hash)
		p.where = append(p.where, place{number, uint32(j)})
		p.bytes += 8*words + rowOverhead
	}
	for g := range r.keys {
		key := r.keys[g].unit(p.unit)
		for j := i; j < end; j++ {
			hash, _ := r.keys[g].row(key, c.Columns, r.words, j)
			p.keys[g] = append(p.keys[g], hash)
		}
		p.bytes += 8 * (end - i)
	}
	return r.bound()
}

// left is the number of new rows that the present unit may keep.
func (r *Ranker) left() int { return max(0, r.o.Cap-r.earlier.first()) }

// rowOverhead is what is held of a row besides its values, in bytes.
const rowOverhead = 64

// End gives out the rows of the last unit.
func (r *Ranker) End() error {
	if err := r.finishUnit(); err != nil {
		return err
	}
	r.release(len(r.held))
	return r.put()
}

// alone gives out the row of a unit that has no other: there is nothing to hash.
func (r *Ranker) alone(c *duck.Chunk, row int) error {
	if err := r.room(); err != nil {
		return err
	}
	for _, column := range r.ranked {
		column[r.out.rows()] = 0
	}
	r.out.add(c, uint32(row))
	return nil
}

// finishUnit ranks the present unit's rows and gives them out.
func (r *Ranker) finishUnit() error {
	p, first := &r.pending, r.earlier.first()
	r.ranks.sort(p.rows, r.compare)
	kept := min(len(p.rows), r.left())
	for _, i := range r.ranks.order[kept:] {
		if err := r.excess(p.where[i]); err != nil {
			return err
		}
	}
	r.ranks.rank(kept, p.keys, r.earlier.known)
	for at, i := range r.ranks.order[:kept] {
		if err := r.room(); err != nil {
			return err
		}
		if to := r.out.rows(); len(r.ranked) > 0 {
			r.ranked[0][to] = saturated(first + at)
			for g := range r.keys {
				r.ranked[1+2*g][to], r.ranked[2+2*g][to] = r.ranks.key[g][at], r.ranks.row[g][at]
			}
		}
		w := p.where[i]
		r.out.add(r.held[w.chunk-r.base], w.row)
	}
	r.forget()
	return nil
}

// forget empties the present unit.
func (r *Ranker) forget() {
	p := &r.pending
	p.rows, p.where, p.bytes = p.rows[:0], p.where[:0], 0
	for g := range p.keys {
		p.keys[g] = p.keys[g][:0]
	}
	r.earlier.forget()
}

func (r *Ranker) excess(w place) error {
	id := int64(0)
	if c := r.held[w.chunk-r.base]; r.o.IDs {
		id = duck.View[int64](c.Columns[0], c.Rows)[w.row]
	}
	return r.o.Excess(id, r.pending.unit)
}

// compare orders two rows of the present unit by their values.
func (r *Ranker) compare(i, j int32) int {
	a, b := r.pending.where[i], r.pending.where[j]
	x, y := r.held[a.chunk-r.base], r.held[b.chunk-r.base]
	for _, at := range r.row.columns {
		if order := compareValues(x.Columns[at], y.Columns[at], int(a.row), int(b.row)); order != 0 {
			return order
		}
	}
	return 0
}

// room makes sure that there is a chunk with room for one more row.
func (r *Ranker) room() error {
	if r.out.to != nil && r.out.rows() < duck.ChunkRows() {
		return nil
	}
	if err := r.put(); err != nil {
		return err
	}
	to, err := r.o.Empty()
	if err != nil {
		return err
	}
	r.out.into(to)
	r.ranked = r.ranked[:0]
	first := 1 + len(r.o.Columns)
	for _, v := range to.Columns[first : first+r.rankColumns()] {
		r.ranked = append(r.ranked, duck.View[uint16](v, duck.ChunkRows()))
	}
	return nil
}

// rankColumns is the number of columns that hold ranks.
func (r *Ranker) rankColumns() int {
	if r.o.Groupings == nil {
		return 0
	}
	return 1 + 2*len(r.o.Groupings)
}

// put hands the chunk on that was being filled.
func (r *Ranker) put() error {
	to := r.out.take()
	if to == nil {
		return nil
	}
	return r.o.Put(to)
}

// release frees the first n chunks: no row of theirs is needed any more.
func (r *Ranker) release(n int) {
	if n == 0 {
		return
	}
	r.out.flush()
	for _, c := range r.held[:n] {
		c.Close()
	}
	r.held = append(r.held[:0], r.held[n:]...)
	r.base += n
}
