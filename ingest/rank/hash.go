package rank

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/noised/noised/ingest/duck"
)

// hasher hashes the values of some columns of a unit's row.
type hasher struct {
	key     sipKey
	columns []int // positions in the chunk
}

// newHasher returns the hash of some columns, for one use.
func newHasher(salt []byte, use string, columns []int) hasher {
	return hasher{key: derive(salt, use), columns: columns}
}

// unit begins the hashes of one unit's rows.
func (h *hasher) unit(pseudonym uint64) sip { return h.key.begin().absorb(pseudonym) }

// row ends the hash of a row and returns it with the number of words that it is
// of. The message is one from which the values can be
// read back, so that rows with different values have different messages: a bit
// per column that says whether it is NULL, then every value that is not, texts
// with their lengths.
func (h *hasher) row(s sip, columns []duck.Vector, words []column, row int) (hash uint64, size int) {
	count, nulls := 1, uint64(0)
	for i, at := range h.columns {
		if columns[at].Null(row) {
			nulls |= 1 << (i % 64)
		}
		if i%64 == 63 || i == len(h.columns)-1 {
			s, nulls = s.absorb(nulls), 0
			count++
		}
	}
	for _, at := range h.columns {
		w := &words[at]
		switch {
		case w.texts == nil:
			s = s.absorb(w.fixed[row]) // 0 where it is NULL
			count++
		case !columns[at].Null(row):
			var n int
			s, n = absorbText(s, &w.texts[row])
			count += n
		}
	}
	return s.finish(count), count
}

// absorbText adds a text: the word with its length and first four bytes, then
// the others, padded with zeros.
func absorbText(s sip, t *duck.Text) (sip, int) {
	s = s.absorb(t[0])
	if t.InPlace() {
		return s.absorb(t[1]), 2
	}
	rest, words := t.Bytes()[4:], 1
	for ; len(rest) >= 8; rest = rest[8:] {
		s = s.absorb(binary.LittleEndian.Uint64(rest))
		words++
	}
	if len(rest) > 0 {
		var last [8]byte
		copy(last[:], rest)
		s = s.absorb(binary.LittleEndian.Uint64(last[:]))
		words++
	}
	return s, words
}

// column has a chunk's values of one column in their canonical form.
type column struct {
	fixed []uint64 // 0 where a value is NULL
	texts []duck.Text
}

// load takes the values of a vector.
func (c *column) load(v duck.Vector, rows int) {
	c.texts, c.fixed = nil, c.fixed[:0]
	switch v.Kind {
	case duck.KindInt8:
		c.fixed = appendWords(c.fixed, duck.View[int8](v, rows))
	case duck.KindInt16:
		c.fixed = appendWords(c.fixed, duck.View[int16](v, rows))
	case duck.KindInt32:
		c.fixed = appendWords(c.fixed, duck.View[int32](v, rows))
	case duck.KindInt64:
		c.fixed = appendWords(c.fixed, duck.View[int64](v, rows))
	case duck.KindDouble:
		for _, f := range duck.View[float64](v, rows) {
			c.fixed = append(c.fixed, doubleWord(f))
		}
	case duck.KindText:
		c.texts = duck.View[duck.Text](v, rows)
		return
	default:
	}
	for i := range c.fixed {
		if v.Null(i) {
			c.fixed[i] = 0
		}
	}
}

func appendWords[T int8 | int16 | int32 | int64](to []uint64, from []T) []uint64 {
	for _, x := range from {
		to = append(to, uint64(x))
	}
	return to
}

// doubleWord makes equal what SQL takes for equal: both zeros, and every NaN.
func doubleWord(f float64) uint64 {
	switch {
	case f == 0:
		return 0
	case math.IsNaN(f):
		return math.Float64bits(math.NaN())
	default:
		return math.Float64bits(f)
	}
}

// compareValues orders the values of one column in two rows, in whatever way
// that depends on the values only.
func compareValues(a, b duck.Vector, i, j int) int {
	if a.Null(i) || b.Null(j) {
		return cmp.Compare(truth(a.Null(i)), truth(b.Null(j)))
	}
	switch a.Kind {
	case duck.KindText:
		return bytes.Compare(duck.View[duck.Text](a, i+1)[i].Bytes(), duck.View[duck.Text](b, j+1)[j].Bytes())
	case duck.KindInt8:
		return cmp.Compare(duck.View[int8](a, i+1)[i], duck.View[int8](b, j+1)[j])
	case duck.KindInt16:
		return cmp.Compare(duck.View[int16](a, i+1)[i], duck.View[int16](b, j+1)[j])
	case duck.KindInt32:
		return cmp.Compare(duck.View[int32](a, i+1)[i], duck.View[int32](b, j+1)[j])
	case duck.KindInt64:
		return cmp.Compare(duck.View[int64](a, i+1)[i], duck.View[int64](b, j+1)[j])
	default:
		return cmp.Compare(doubleWord(duck.View[float64](a, i+1)[i]), doubleWord(duck.View[float64](b, j+1)[j]))
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
