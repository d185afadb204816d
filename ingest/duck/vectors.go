package duck

import (
	"encoding/binary"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Kind is how a column's values lie in memory.
type Kind uint8

// The kinds: whole numbers of 1 to 8 bytes, doubles and texts.
const (
	KindOther Kind = iota
	KindInt8
	KindInt16
	KindInt32
	KindInt64
	KindDouble
	KindText
)

// kindOf returns the kind of a logical type. A boolean is a byte; dates,
// timestamps and decimals are the whole numbers that they are stored as.
func kindOf(logical bindings.LogicalType) Kind {
	t := bindings.GetTypeId(logical)
	if t == bindings.TypeDecimal {
		t = bindings.DecimalInternalType(logical)
	}
	switch t {
	case bindings.TypeBoolean, bindings.TypeTinyInt:
		return KindInt8
	case bindings.TypeSmallInt, bindings.TypeUSmallInt:
		return KindInt16
	case bindings.TypeInteger, bindings.TypeDate:
		return KindInt32
	case bindings.TypeBigInt, bindings.TypeUBigInt, bindings.TypeTimestamp:
		return KindInt64
	case bindings.TypeDouble:
		return KindDouble
	case bindings.TypeVarchar:
		return KindText
	default:
		return KindOther
	}
}

// Vector is a column of a chunk as DuckDB has it. It dies with the chunk.
type Vector struct {
	Kind  Kind
	data  unsafe.Pointer
	valid *uint64 // one bit per row; nil when no row is NULL
}

// Null reports whether a row is NULL.
func (v Vector) Null(row int) bool {
	if v.valid == nil {
		return false
	}
	word := *(*uint64)(unsafe.Add(unsafe.Pointer(v.valid), row/64*8))
	return word>>(row%64)&1 == 0
}

// HasNulls reports whether some row may be NULL.
func (v Vector) HasNulls() bool { return v.valid != nil }

// Fixed is a type that vectors have values of.
type Fixed interface {
	int8 | int16 | int32 | int64 | uint16 | uint64 | float64 | Text
}

// View returns the values of a vector whose kind has the layout of T.
func View[T Fixed](v Vector, rows int) []T { return unsafe.Slice((*T)(v.data), rows) }

// Text is DuckDB's string_t: a length in the low half of the first word, then
// up to 12 bytes in place, padded with zeros, or 4 bytes and a pointer.
type Text [2]uint64

const inPlace = 12

// InPlace reports whether the words alone are the text.
func (t *Text) InPlace() bool { return uint32(t[0]) <= inPlace }

// InPlaceOf returns the words of a text that lies in place. Of a longer one it
// returns the first word alone, and false.
func InPlaceOf(s string) (t Text, ok bool) {
	var word [16]byte
	binary.NativeEndian.PutUint32(word[:], uint32(len(s)))
	if ok = len(s) <= inPlace; !ok {
		s = s[:4]
	}
	copy(word[4:], s)
	return Text{binary.NativeEndian.Uint64(word[:]), binary.NativeEndian.Uint64(word[8:])}, ok
}

// Bytes returns the text without copying; it dies with the chunk.
func (t *Text) Bytes() []byte {
	length := int(uint32(t[0]))
	if length <= inPlace {
		return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(t), 4)), length)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&t[1])), length)
}

// selected returns the rows of a selection vector.
func selected(first *bindings.SelT, rows int) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(first)), rows)
}
