package duck

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"
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

// unitFunctions are the pseudonym of a text, and of a number by its decimal text,
// which need not be made a vector of texts for it.
func unitFunctions(key []byte, seen *atomic.Int64) (texts, numbers *function) {
	// An HMAC that has been reset once keeps its key schedule.
	pool := &sync.Pool{New: func() any { return &unitHash{mac: hmac.New(sha256.New, key)} }}
	// An HMAC composed of DuckDB's sha256 took 1.1 µs a row, this takes 0.2.
	texts = &function{from: duckdb.TYPE_VARCHAR, to: duckdb.TYPE_UBIGINT, seen: seen, run: func(in, out Vector, rows int) error {
		h := pool.Get().(*unitHash)
		defer pool.Put(h)
		units := View[uint64](out, rows)
		from := View[Text](in, rows)
		for i := range from {
			if !in.Null(i) {
				units[i] = h.of(from[i].Bytes())
			}
		}
		return nil
	}}
	numbers = &function{from: duckdb.TYPE_BIGINT, to: duckdb.TYPE_UBIGINT, seen: seen, run: func(in, out Vector, rows int) error {
		h := pool.Get().(*unitHash)
		defer pool.Put(h)
		units := View[uint64](out, rows)
		var digits [20]byte
		for i, number := range View[int64](in, rows) {
			if !in.Null(i) {
				units[i] = h.of(strconv.AppendInt(digits[:0], number, 10))
			}
		}
		return nil
	}}
	return texts, numbers
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
