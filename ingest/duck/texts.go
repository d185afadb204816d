package duck

import (
	"slices"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Texts are texts that numbers stand for: their places, from 0. One of the numbers
// stands for NULL.
type Texts struct {
	chunk *Chunk // one column
	words []Text
	null  uint16
	rows  *Selection // of CopyTexts
}

// NewTexts returns the list of some texts, of NULL, and of others, all together at
// most ChunkRows(). It must be closed.
func NewTexts(texts, others []string) *Texts {
	types := []bindings.LogicalType{bindings.CreateLogicalType(bindings.TypeVarchar)}
	defer destroyTypes(types)
	t := &Texts{chunk: newChunk(types), null: uint16(len(texts)), rows: NewSelection()}
	v := t.chunk.vectors[0]
	for i, text := range slices.Concat(texts, []string{""}, others) {
		bindings.VectorAssignStringElementLen(v, bindings.IdxT(i), []byte(text))
	}
	bindings.VectorEnsureValidityWritable(v)
	bindings.ValiditySetRowInvalid(bindings.VectorGetValidity(v), bindings.IdxT(t.null))
	t.chunk.Resize(len(texts) + 1 + len(others))
	t.chunk.refresh()
	t.words = View[Text](t.chunk.Columns[0], t.chunk.Rows)
	return t
}

// Close frees the texts, and what Of returned with them.
func (t *Texts) Close() {
	t.chunk.Close()
	t.rows.Close()
}

// Of returns the texts that a vector of numbers stands for.
func (t *Texts) Of(numbers Vector, rows int) Vector {
	words := make([]Text, max(rows, 1))
	v := Vector{Kind: KindText, data: unsafe.Pointer(&words[0])}
	var valid []uint64
	for i, number := range View[uint16](numbers, rows) {
		if number != t.null {
			words[i] = t.words[number]
			continue
		}
		if valid == nil {
			valid = make([]uint64, (rows+63)/64)
			for j := range valid {
				valid[j] = ^uint64(0)
			}
			v.valid = &valid[0]
		}
		valid[i/64] &^= 1 << (i % 64)
	}
	return v
}

// CopyTexts makes a column of the chunk the texts that numbers stand for, one of
// each row. It is for one goroutine. Views that were taken of the column before must
// not be used after.
func (c *Chunk) CopyTexts(column int, from *Texts, numbers []uint16) {
	for i, number := range numbers {
		from.rows.Rows[i] = uint32(number)
	}
	c.Copy(column, 0, from.chunk, 0, from.rows, len(numbers))
}
