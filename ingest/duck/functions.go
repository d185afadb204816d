package duck

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2"
)

// The names under which functions are known in SQL.
const (
	UnitFunction     = "noised_unit"     // the pseudonym of a unit id
	NumberFunction   = "noised_number"   // that of a BIGINT, by its decimal text
	CountFunction    = "noised_count"    // 0 of a text; counts
	FractionFunction = "noised_fraction" // whether a text has a point, or the letter of an exponent
)

// function is a SQL function of one argument. It is written in Go, so that its key
// is in no statement, no plan and no error text. It reads and writes whole
// vectors: row by row, through values of the driver, took as long as hashing.
type function struct {
	from, to duckdb.Type
	nulls    bool // NULL is an argument like others; else NULL becomes NULL
	run      func(in, out Vector, rows int) error
	seen     *atomic.Int64 // counts rows; may be nil
}

// newCountFunction returns a function that is 0 and counts.
func newCountFunction(seen *atomic.Int64) *function {
	return &function{from: duckdb.TYPE_VARCHAR, to: duckdb.TYPE_UBIGINT, seen: seen, run: func(_, out Vector, rows int) error {
		clear(View[uint64](out, rows))
		return nil
	}}
}

// newFractionFunction returns a function that tells texts that may be numbers and
// not whole ones.
func newFractionFunction() *function {
	return &function{from: duckdb.TYPE_VARCHAR, to: duckdb.TYPE_BOOLEAN, run: func(in, out Vector, rows int) error {
		texts, found := View[Text](in, rows), View[int8](out, rows)
		for i := range texts {
			if found[i] = 0; !in.Null(i) && hasFraction(texts[i].Bytes()) {
				found[i] = 1
			}
		}
		return nil
	}}
}

func hasFraction(text []byte) bool {
	for _, b := range text {
		if b == '.' || b|' ' == 'e' {
			return true
		}
	}
	return false
}

// NumberTexts gives SQL a function from VARCHAR to USMALLINT, which fails with
// number. NULL is an argument like others.
func (d *DB) NumberTexts(name string, number func(to []uint16, texts Vector) error) error {
	return duckdb.RegisterScalarUDF(d.conn, name, &function{
		from: duckdb.TYPE_VARCHAR, to: duckdb.TYPE_USMALLINT, nulls: true,
		run: func(in, out Vector, rows int) error { return number(View[uint16](out, rows), in) },
	})
}

// Config implements duckdb.ScalarFunc.
func (f *function) Config() duckdb.ScalarFuncConfig {
	in, _ := duckdb.NewTypeInfo(f.from) // fails for composite types only
	out, _ := duckdb.NewTypeInfo(f.to)
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{in}, ResultTypeInfo: out, SpecialNullHandling: f.nulls}
}

// Executor implements duckdb.ScalarFunc.
func (f *function) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{ChunkContextExecutor: f.chunk}
}

func (f *function) chunk(_ context.Context, chunk *duckdb.ChunkIteratorState) error {
	in, to, err := callOf(chunk)
	if err != nil {
		return err
	}
	rows := int(bindings.DataChunkGetSize(in))
	v := bindings.DataChunkGetVector(in, 0)
	from := Vector{data: bindings.VectorGetData(v), valid: (*uint64)(bindings.VectorGetValidity(v))}
	if err := f.run(from, Vector{data: bindings.VectorGetData(to)}, rows); err != nil {
		return err
	}
	if from.HasNulls() && !f.nulls {
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
