// Package native reads DuckDB's results as they lie in memory, through its C interface.
//
// It knows nothing of plans, files or rows' meaning. Its errors say which step failed
// and of what class the error is, and leave DuckDB's message out, because messages quote
// values. Vectors and texts point into a chunk and die with it.
package native

import (
	"fmt"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// duckError is a failure inside DuckDB.
type duckError struct {
	step  string
	class int // duckdb_error_type; 0 when DuckDB does not say
}

// Error implements error.
func (e *duckError) Error() string {
	return fmt.Sprintf("DuckDB failed to %s (error type %d)", e.step, e.class)
}

// Version is that of the DuckDB that this program links.
func Version() string { return bindings.LibraryVersion() }

// Database is one DuckDB instance.
type Database struct{ handle bindings.Database }

// Open opens an instance that has no file of its own.
func Open(settings map[string]string) (*Database, error) {
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
	d, message := &Database{}, ""
	if bindings.OpenExt(":memory:", &d.handle, config, &message) != bindings.StateSuccess {
		return nil, &duckError{step: "open"}
	}
	return d, nil
}

// Close ends the instance, once its connections are closed.
func (d *Database) Close() { bindings.Close(&d.handle) }

// Connection runs one statement at a time, and keeps the last one prepared:
// planning a short statement takes as long as reading thousands of rows.
type Connection struct {
	handle   bindings.Connection
	SQL      string // of the statement
	prepared bindings.PreparedStatement
}

// Connect opens a connection.
func (d *Database) Connect() (*Connection, error) {
	c := &Connection{}
	if bindings.Connect(d.handle, &c.handle) != bindings.StateSuccess {
		return nil, &duckError{step: "connect"}
	}
	return c, nil
}

// Close ends the connection and its statement.
func (c *Connection) Close() {
	bindings.DestroyPrepare(&c.prepared)
	bindings.Disconnect(&c.handle)
}

// Interrupt makes the running statement fail. It may be called from any
// goroutine while the connection is open.
func (c *Connection) Interrupt() { bindings.Interrupt(c.handle) }

// Exec runs a statement without a result. The step is for the error.
func (c *Connection) Exec(step, sql string) error {
	var result bindings.Result
	state := bindings.Query(c.handle, sql, &result)
	defer bindings.DestroyResult(&result)
	if state != bindings.StateSuccess {
		return &duckError{step: step, class: int(bindings.ResultErrorType(&result))}
	}
	return nil
}

// Rows is a streaming result.
type Rows struct {
	result bindings.Result
	Types  []Physical
}

// prepare makes sql the connection's statement.
func (c *Connection) prepare(sql string) error {
	if c.SQL == sql {
		return nil
	}
	bindings.DestroyPrepare(&c.prepared)
	c.SQL = ""
	if bindings.Prepare(c.handle, sql, &c.prepared) != bindings.StateSuccess {
		return &duckError{step: "prepare"}
	}
	c.SQL = sql
	return nil
}

// Query starts a statement; its rows are computed as they are fetched. They must
// be closed before the connection's next statement.
func (c *Connection) Query(sql string) (*Rows, error) {
	if err := c.prepare(sql); err != nil {
		return nil, err
	}
	r := &Rows{}
	var pending bindings.PendingResult
	state := bindings.PendingPreparedStreaming(c.prepared, &pending)
	if state == bindings.StateSuccess {
		state = bindings.ExecutePending(pending, &r.result)
	}
	bindings.DestroyPending(&pending)
	if state != bindings.StateSuccess {
		err := &duckError{step: "execute", class: int(bindings.ResultErrorType(&r.result))}
		r.Close()
		return nil, err
	}
	for i := range bindings.ColumnCount(&r.result) {
		r.Types = append(r.Types, physicalType(&r.result, i))
	}
	return r, nil
}

// Close ends the result.
func (r *Rows) Close() { bindings.DestroyResult(&r.result) }

// Next returns the next chunk, and false after the last.
func (r *Rows) Next() (Chunk, bool, error) {
	c := bindings.FetchChunk(r.result)
	if c.Ptr == nil {
		if class := bindings.ResultErrorType(&r.result); class != bindings.ErrorTypeInvalid || bindings.ResultError(&r.result) != "" {
			return Chunk{}, false, &duckError{step: "fetch", class: int(class)}
		}
		return Chunk{}, false, nil
	}
	return Chunk{handle: c, Rows: int(bindings.DataChunkGetSize(c))}, true, nil
}
