package native

import (
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Chunk is a block of rows, column by column. Its vectors die with it.
type Chunk struct {
	handle bindings.DataChunk
	Rows   int
}

// Close gives the chunk's memory back. It may be called again.
func (c *Chunk) Close() { bindings.DestroyDataChunk(&c.handle) }

// Vector returns a column of a result.
func (c *Chunk) Vector(column int, t Physical) Vector {
	v := bindings.DataChunkGetVector(c.handle, bindings.IdxT(column))
	return Vector{Kind: t, data: bindings.VectorGetData(v), Valid: (*uint64)(bindings.VectorGetValidity(v))}
}

// Physical is how a column's values lie in memory.
type Physical uint8

// How values lie in memory; PhysicalOther is any way that is not read.
const (
	PhysicalOther Physical = iota
	PhysicalBool
	PhysicalInt8
	PhysicalInt16
	PhysicalInt32
	PhysicalInt64
	PhysicalUint16
	PhysicalUint64
	PhysicalDouble
	PhysicalText
	PhysicalInt128
)

func physicalType(r *bindings.Result, column bindings.IdxT) Physical {
	t := bindings.ColumnType(r, column)
	if t == bindings.TypeDecimal {
		logical := bindings.ColumnLogicalType(r, column)
		defer bindings.DestroyLogicalType(&logical)
		t = bindings.DecimalInternalType(logical)
	}
	switch t {
	case bindings.TypeBoolean:
		return PhysicalBool
	case bindings.TypeTinyInt:
		return PhysicalInt8
	case bindings.TypeSmallInt:
		return PhysicalInt16
	case bindings.TypeInteger, bindings.TypeDate:
		return PhysicalInt32
	case bindings.TypeBigInt, bindings.TypeTimestamp:
		return PhysicalInt64
	case bindings.TypeUSmallInt:
		return PhysicalUint16
	case bindings.TypeUBigInt:
		return PhysicalUint64
	case bindings.TypeDouble:
		return PhysicalDouble
	case bindings.TypeVarchar:
		return PhysicalText
	case bindings.TypeHugeInt:
		return PhysicalInt128
	default:
		return PhysicalOther
	}
}

// IsInteger reports whether the values are signed integers.
func (p Physical) IsInteger() bool { return p >= PhysicalInt8 && p <= PhysicalInt64 }

// Vector is a column of a chunk.
type Vector struct {
	Kind  Physical
	data  unsafe.Pointer
	Valid *uint64 // one bit per row; nil when no row is NULL
}

// Null reports whether a row is NULL.
func (v Vector) Null(row int) bool {
	if v.Valid == nil {
		return false
	}
	word := *(*uint64)(unsafe.Add(unsafe.Pointer(v.Valid), row/64*8))
	return word>>(row%64)&1 == 0
}

// View returns the values of a vector whose kind has the layout of T.
func View[T uint8 | uint16 | int8 | int16 | int32 | int64 | uint64 | float64 | Text | Hugeint](v Vector, rows int) []T {
	return unsafe.Slice((*T)(v.data), rows)
}

// Hugeint is DuckDB's integer of 128 bits, in two's complement.
type Hugeint struct {
	Lo uint64
	Hi int64
}

// Text is DuckDB's string_t: a length in the low half of the first word, then
// up to 12 bytes in place, padded with zeros, or 4 bytes and a pointer. Texts
// that are in place are equal iff their words are.
type Text [2]uint64

// InPlace is the number of bytes of the longest text that is in place.
const InPlace = 12

// InPlace reports whether the text is within its two words.
func (t *Text) InPlace() bool { return uint32(t[0]) <= InPlace }

// Bytes returns the text without copying; it dies with the chunk.
func (t *Text) Bytes() []byte {
	length := int(uint32(t[0]))
	if length <= InPlace {
		return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(t), 4)), length)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&t[1])), length)
}

// Integers reads an integer or boolean column.
func Integers(v Vector, out []int64) {
	switch v.Kind {
	case PhysicalBool:
		widen(View[uint8](v, len(out)), out)
	case PhysicalInt8:
		widen(View[int8](v, len(out)), out)
	case PhysicalInt16:
		widen(View[int16](v, len(out)), out)
	case PhysicalInt32:
		widen(View[int32](v, len(out)), out)
	case PhysicalInt64:
		widen(View[int64](v, len(out)), out)
	default: // excluded by bind
	}
}

func widen[T uint8 | int8 | int16 | int32 | int64](in []T, out []int64) {
	for i, v := range in {
		out[i] = int64(v)
	}
}
