package duckdb

import (
	"fmt"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// This file is the only one that touches DuckDB's C interface. It knows nothing
// of plans. Its errors say which step failed and of what class the error is,
// and leave DuckDB's message out, because messages quote values.

// duckError is a failure inside DuckDB.
type duckError struct {
	step  string
	class int // duckdb_error_type; 0 when DuckDB does not say
}

// Error implements error.
func (e *duckError) Error() string {
	return fmt.Sprintf("DuckDB failed to %s (error type %d)", e.step, e.class)
}

// database is one DuckDB instance.
type database struct{ handle bindings.Database }

// openDatabase opens an instance that has no file of its own.
func openDatabase(settings map[string]string) (*database, error) {
	var config bindings.Config
	if bindings.CreateConfig(&config) != bindings.StateSuccess {
		return nil, &duckError{step: "create a configuration"}
	}
	defer bindings.DestroyConfig(&config)
	for name, value := range settings {
		if bindings.SetConfig(config, name, value) != bindings.StateSuccess {
			return nil, &duckError{step: "set " + name}
		}
	}
	d, message := &database{}, ""
	if bindings.OpenExt(":memory:", &d.handle, config, &message) != bindings.StateSuccess {
		return nil, &duckError{step: "open"}
	}
	return d, nil
}

func (d *database) close() { bindings.Close(&d.handle) }

// connection runs one statement at a time, and keeps the last one prepared:
// planning a short statement takes as long as reading thousands of rows.
type connection struct {
	handle   bindings.Connection
	sql      string // of the statement
	prepared bindings.PreparedStatement
}

func (d *database) connect() (*connection, error) {
	c := &connection{}
	if bindings.Connect(d.handle, &c.handle) != bindings.StateSuccess {
		return nil, &duckError{step: "connect"}
	}
	return c, nil
}

func (c *connection) close() {
	bindings.DestroyPrepare(&c.prepared)
	bindings.Disconnect(&c.handle)
}

// interrupt makes the running statement fail. It may be called from any
// goroutine while the connection is open.
func (c *connection) interrupt() { bindings.Interrupt(c.handle) }

// exec runs a statement without a result. The step is for the error.
func (c *connection) exec(step, sql string) error {
	var result bindings.Result
	state := bindings.Query(c.handle, sql, &result)
	defer bindings.DestroyResult(&result)
	if state != bindings.StateSuccess {
		return &duckError{step: step, class: int(bindings.ResultErrorType(&result))}
	}
	return nil
}

// rows is a streaming result.
type rows struct {
	result bindings.Result
	types  []physical
}

// prepare makes sql the connection's statement.
func (c *connection) prepare(sql string) error {
	if c.sql == sql {
		return nil
	}
	bindings.DestroyPrepare(&c.prepared)
	c.sql = ""
	if bindings.Prepare(c.handle, sql, &c.prepared) != bindings.StateSuccess {
		return &duckError{step: "prepare"}
	}
	c.sql = sql
	return nil
}

// query starts a statement; its rows are computed as they are fetched. They must
// be closed before the connection's next statement.
func (c *connection) query(sql string) (*rows, error) {
	if err := c.prepare(sql); err != nil {
		return nil, err
	}
	r := &rows{}
	var pending bindings.PendingResult
	state := bindings.PendingPreparedStreaming(c.prepared, &pending)
	if state == bindings.StateSuccess {
		state = bindings.ExecutePending(pending, &r.result)
	}
	bindings.DestroyPending(&pending)
	if state != bindings.StateSuccess {
		err := &duckError{step: "execute", class: int(bindings.ResultErrorType(&r.result))}
		r.close()
		return nil, err
	}
	for i := range bindings.ColumnCount(&r.result) {
		r.types = append(r.types, physicalType(&r.result, i))
	}
	return r, nil
}

func (r *rows) close() { bindings.DestroyResult(&r.result) }

// next returns the next chunk, and false after the last.
func (r *rows) next() (chunk, bool, error) {
	c := bindings.FetchChunk(r.result)
	if c.Ptr == nil {
		if class := bindings.ResultErrorType(&r.result); class != bindings.ErrorTypeInvalid || bindings.ResultError(&r.result) != "" {
			return chunk{}, false, &duckError{step: "fetch", class: int(class)}
		}
		return chunk{}, false, nil
	}
	return chunk{handle: c, rows: int(bindings.DataChunkGetSize(c))}, true, nil
}

// chunk is a block of rows, column by column. Its vectors die with it.
type chunk struct {
	handle bindings.DataChunk
	rows   int
}

func (c *chunk) close() { bindings.DestroyDataChunk(&c.handle) }

// vector returns a column of a result.
func (c *chunk) vector(column int, t physical) vector {
	v := bindings.DataChunkGetVector(c.handle, bindings.IdxT(column))
	return vector{kind: t, data: bindings.VectorGetData(v), valid: (*uint64)(bindings.VectorGetValidity(v))}
}

// physical is how a column's values lie in memory.
type physical uint8

const (
	physicalOther physical = iota
	physicalBool
	physicalInt8
	physicalInt16
	physicalInt32
	physicalInt64
	physicalUint16
	physicalUint64
	physicalDouble
	physicalText
	physicalInt128
)

func physicalType(r *bindings.Result, column bindings.IdxT) physical {
	t := bindings.ColumnType(r, column)
	if t == bindings.TypeDecimal {
		logical := bindings.ColumnLogicalType(r, column)
		defer bindings.DestroyLogicalType(&logical)
		t = bindings.DecimalInternalType(logical)
	}
	switch t {
	case bindings.TypeBoolean:
		return physicalBool
	case bindings.TypeTinyInt:
		return physicalInt8
	case bindings.TypeSmallInt:
		return physicalInt16
	case bindings.TypeInteger, bindings.TypeDate:
		return physicalInt32
	case bindings.TypeBigInt, bindings.TypeTimestamp:
		return physicalInt64
	case bindings.TypeUSmallInt:
		return physicalUint16
	case bindings.TypeUBigInt:
		return physicalUint64
	case bindings.TypeDouble:
		return physicalDouble
	case bindings.TypeVarchar:
		return physicalText
	case bindings.TypeHugeInt:
		return physicalInt128
	default:
		return physicalOther
	}
}

// vector is a column of a chunk.
type vector struct {
	kind  physical
	data  unsafe.Pointer
	valid *uint64 // one bit per row; nil when no row is NULL
}

// null reports whether a row is NULL.
func (v vector) null(row int) bool {
	if v.valid == nil {
		return false
	}
	word := *(*uint64)(unsafe.Add(unsafe.Pointer(v.valid), row/64*8))
	return word>>(row%64)&1 == 0
}

// view returns the values of a vector whose kind has the layout of T.
func view[T uint8 | uint16 | int8 | int16 | int32 | int64 | uint64 | float64 | text | hugeint](v vector, rows int) []T {
	return unsafe.Slice((*T)(v.data), rows)
}

// hugeint is DuckDB's integer of 128 bits, in two's complement.
type hugeint struct {
	lo uint64
	hi int64
}

// text is DuckDB's string_t: a length in the low half of the first word, then
// up to 12 bytes in place, padded with zeros, or 4 bytes and a pointer. Texts
// that are in place are equal iff their words are.
type text [2]uint64

const inPlace = 12

func (t *text) inPlace() bool { return uint32(t[0]) <= inPlace }

// bytes returns the text without copying; it dies with the chunk.
func (t *text) bytes() []byte {
	length := int(uint32(t[0]))
	if length <= inPlace {
		return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(t), 4)), length)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&t[1])), length)
}
