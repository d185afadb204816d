package duck

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"reflect"
	"sync"
	"sync/atomic"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2"
)

// Pseudonym returns the pseudonym of a unit: the first 8 bytes, big endian, of
// HMAC-SHA-256 over the canonical text of its id.
func Pseudonym(key []byte, id string) uint64 {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(id))
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// The names under which the functions are known in SQL. Each maps a text to a
// whole number.
const (
	UnitFunction  = "noised_unit"  // the pseudonym of a unit id
	CountFunction = "noised_count" // 0; counts
)

// textFunction is a SQL function from VARCHAR to UBIGINT that maps NULL to
// NULL. It is written in Go, so that its key is in no statement, no plan and
// no error text. It reads and writes whole vectors: row by row, through values of
// the driver, took as long as the hashing itself.
type textFunction struct {
	begin func() (each func(text []byte) uint64, end func()) // for one chunk, and one thread
	seen  *atomic.Int64                                      // counts rows; may be nil
}

// newUnitFunction returns the pseudonym as a SQL function. Measured against an
// HMAC composed of DuckDB's sha256: 0.2 µs a row against 1.1 µs.
func newUnitFunction(key []byte, seen *atomic.Int64) *textFunction {
	// An HMAC that has been reset once keeps its key schedule.
	pool := &sync.Pool{New: func() any { return &unitHash{mac: hmac.New(sha256.New, key)} }}
	return &textFunction{seen: seen, begin: func() (func([]byte) uint64, func()) {
		h := pool.Get().(*unitHash)
		return h.of, func() { pool.Put(h) }
	}}
}

// unitHash computes pseudonyms. Where a unit's rows lie together, each but the
// first costs a comparison.
type unitHash struct {
	mac    hash.Hash
	last   []byte // the id before; nil: there was none
	result uint64 // its pseudonym
	sum    [sha256.Size]byte
}

func (h *unitHash) of(id []byte) uint64 {
	if h.last != nil && bytes.Equal(h.last, id) {
		return h.result
	}
	h.mac.Reset()
	_, _ = h.mac.Write(id)
	h.last, h.result = append(h.last[:0], id...), binary.BigEndian.Uint64(h.mac.Sum(h.sum[:0]))
	return h.result
}

// newCountFunction returns a function that is 0 and counts.
func newCountFunction(seen *atomic.Int64) *textFunction {
	return &textFunction{seen: seen, begin: func() (func([]byte) uint64, func()) {
		return func([]byte) uint64 { return 0 }, func() {}
	}}
}

// Config implements duckdb.ScalarFunc.
func (f *textFunction) Config() duckdb.ScalarFuncConfig {
	in, _ := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR) // fails for composite types only
	out, _ := duckdb.NewTypeInfo(duckdb.TYPE_UBIGINT)
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{in}, ResultTypeInfo: out}
}

// Executor implements duckdb.ScalarFunc.
func (f *textFunction) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{ChunkContextExecutor: f.chunk}
}

func (f *textFunction) chunk(_ context.Context, chunk *duckdb.ChunkIteratorState) error {
	in, to, err := callOf(chunk)
	if err != nil {
		return err
	}
	rows := int(bindings.DataChunkGetSize(in))
	v := bindings.DataChunkGetVector(in, 0)
	from := Vector{Kind: KindText, data: bindings.VectorGetData(v), valid: (*uint64)(bindings.VectorGetValidity(v))}
	texts, out := View[Text](from, rows), View[uint64](Vector{data: bindings.VectorGetData(to)}, rows)
	each, end := f.begin()
	defer end()
	for i := range texts {
		if !from.Null(i) {
			out[i] = each(texts[i].Bytes())
		}
	}
	if from.HasNulls() {
		copyNulls(to, from, rows)
	}
	if f.seen != nil {
		f.seen.Add(int64(rows))
	}
	return nil
}

// copyNulls makes NULL what is NULL in another vector.
func copyNulls(to bindings.Vector, from Vector, rows int) {
	bindings.VectorEnsureValidityWritable(to)
	valid := bindings.VectorGetValidity(to)
	for i := range rows {
		if from.Null(i) {
			bindings.ValiditySetRowInvalid(valid, bindings.IdxT(i))
		}
	}
}

// callOf returns the chunk that a function is called with and the vector for its
// results. The driver keeps them to itself, so they are read by name, and their
// types are checked: another version of the driver fails here and nowhere else.
func callOf(call *duckdb.ChunkIteratorState) (in bindings.DataChunk, out bindings.Vector, err error) {
	state := reflect.ValueOf(call).Elem()
	chunk := field(field(state, "r"), "chunk")
	held, to := field(chunk, "chunk"), field(field(state, "output"), "vec")
	if !held.IsValid() || held.Type() != reflect.TypeFor[bindings.DataChunk]() || !to.IsValid() || to.Type() != reflect.TypeFor[bindings.Vector]() {
		return in, out, errors.New("this version of the driver calls functions in another way")
	}
	in.Ptr, out.Ptr = held.FieldByName("Ptr").UnsafePointer(), to.FieldByName("Ptr").UnsafePointer()
	return in, out, nil
}

// field is a field of a struct, or of the struct that a pointer leads to; it is
// not valid where there is none.
func field(of reflect.Value, name string) reflect.Value {
	if of = reflect.Indirect(of); of.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return of.FieldByName(name)
}
