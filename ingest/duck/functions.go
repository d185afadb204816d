package duck

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
	"sync/atomic"

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
// no error text.
type textFunction struct {
	each func() func(string) uint64 // a function for one chunk, and one thread
	seen *atomic.Int64              // counts rows; may be nil
}

// newUnitFunction returns the pseudonym as a SQL function. Measured against an
// HMAC composed of DuckDB's sha256: 0.45 µs a row against 1.1 µs.
func newUnitFunction(key []byte, seen *atomic.Int64) *textFunction {
	// An HMAC that has been reset once keeps its key schedule.
	pool := &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
	return &textFunction{seen: seen, each: func() func(string) uint64 {
		var sum [sha256.Size]byte
		var id []byte
		return func(text string) uint64 {
			h := pool.Get().(hash.Hash)
			defer pool.Put(h)
			h.Reset()
			id = append(id[:0], text...)
			_, _ = h.Write(id)
			return binary.BigEndian.Uint64(h.Sum(sum[:0]))
		}
	}}
}

// newCountFunction returns a function that is 0 and counts.
func newCountFunction(seen *atomic.Int64) *textFunction {
	return &textFunction{seen: seen, each: func() func(string) uint64 { return func(string) uint64 { return 0 } }}
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
	hash, rows := f.each(), int64(0)
	for row, err := range chunk.Rows() {
		if err != nil {
			return err
		}
		text, _ := (*row.GetValuePtr(0)).(string)
		if err := row.SetResult(hash(text)); err != nil {
			return err
		}
		rows++
	}
	if f.seen != nil {
		f.seen.Add(rows)
	}
	return nil
}
