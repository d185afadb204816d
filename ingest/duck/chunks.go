package duck

import (
	"context"
	"errors"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2"
)

// ChunkRows is the number of rows that a chunk can hold.
func ChunkRows() int { return int(bindings.VectorSize()) }

// Chunk is a block of rows, column by column.
type Chunk struct {
	Rows    int
	Columns []Vector

	handle  bindings.DataChunk
	vectors []bindings.Vector
}

// newChunk returns an empty chunk.
func newChunk(types []bindings.LogicalType) *Chunk {
	c := &Chunk{handle: bindings.CreateDataChunk(types)}
	c.look(types)
	return c
}

// look finds the chunk's vectors.
func (c *Chunk) look(types []bindings.LogicalType) {
	for i, t := range types {
		v := bindings.DataChunkGetVector(c.handle, bindings.IdxT(i))
		c.vectors = append(c.vectors, v)
		c.Columns = append(c.Columns, Vector{Kind: kindOf(t)})
	}
	c.refresh()
}

// refresh finds where the values are.
func (c *Chunk) refresh() {
	for i, v := range c.vectors {
		c.Columns[i].data = bindings.VectorGetData(v)
		c.Columns[i].valid = (*uint64)(bindings.VectorGetValidity(v))
	}
}

// Reset empties the chunk.
func (c *Chunk) Reset() {
	bindings.DataChunkReset(c.handle)
	c.Rows = 0
	c.refresh()
}

// Resize says how many rows the chunk has.
func (c *Chunk) Resize(rows int) {
	bindings.DataChunkSetSize(c.handle, bindings.IdxT(rows))
	c.Rows = rows
}

// Copy copies the first n rows that are picked from a column of another chunk
// into one of this chunk, from a row on. Views that were taken of the column
// before must not be used after.
func (c *Chunk) Copy(column, at int, from *Chunk, of int, picked *Selection, n int) {
	bindings.VectorCopySel(from.vectors[of], c.vectors[column], picked.handle, bindings.IdxT(n), 0, bindings.IdxT(at))
}

// Refresh makes the columns show what has been copied.
func (c *Chunk) Refresh() { c.refresh() }

// Close frees the chunk.
func (c *Chunk) Close() { bindings.DestroyDataChunk(&c.handle) }

// Selection is a list of rows of a chunk.
type Selection struct {
	Rows   []uint32
	handle bindings.SelectionVector
}

// NewSelection returns a list with room for the rows of a chunk.
func NewSelection() *Selection {
	s := &Selection{handle: bindings.CreateSelectionVector(bindings.VectorSize())}
	s.Rows = selected(bindings.SelectionVectorGetDataPtr(s.handle), ChunkRows())
	return s
}

// Close frees the list.
func (s *Selection) Close() { bindings.DestroySelectionVector(&s.handle) }

// classed is a failure inside DuckDB, of which the class alone is told: its
// texts quote values.
func classed(class bindings.ErrorType) error { return &duckdb.Error{Type: duckdb.ErrorType(class)} }

// Chunks is the result of a query, chunk by chunk. Rows by the chunk cost a
// fraction of rows one by one: DuckDB itself copies values, and whatever is
// computed between is computed over its vectors.
type Chunks struct {
	ctx    context.Context
	result bindings.Result
	types  []bindings.LogicalType
	ended  func() // ends the watch over ctx
}

// Chunks runs a query whose rows are computed while they are read, until ctx
// ends. The result must be closed before the next statement.
func (d *DB) Chunks(ctx context.Context, query string) (*Chunks, error) {
	conn, err := raw(d.conn)
	if err != nil {
		return nil, err
	}
	c := &Chunks{ctx: ctx, ended: interruptAfter(ctx, conn)}
	var prepared bindings.PreparedStatement
	defer bindings.DestroyPrepare(&prepared)
	if bindings.Prepare(conn, query, &prepared) != bindings.StateSuccess {
		return nil, errors.Join(errors.New("a statement cannot be prepared"), c.Close())
	}
	var pending bindings.PendingResult
	state := bindings.PendingPreparedStreaming(prepared, &pending)
	if state == bindings.StateSuccess {
		state = bindings.ExecutePending(pending, &c.result)
	}
	bindings.DestroyPending(&pending)
	if state != bindings.StateSuccess {
		return nil, errors.Join(classed(bindings.ResultErrorType(&c.result)), c.Close())
	}
	for i := range bindings.ColumnCount(&c.result) {
		c.types = append(c.types, bindings.ColumnLogicalType(&c.result, i))
	}
	return c, nil
}

// interruptAfter makes what runs on a connection fail when ctx ends, until the
// returned function is called. After that the connection may be closed.
func interruptAfter(ctx context.Context, conn bindings.Connection) (end func()) {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		bindings.Interrupt(conn)
		close(interrupted)
	})
	return func() {
		if !stop() {
			<-interrupted
		}
	}
}

// Next returns the next chunk, or nil after the last. The caller closes it.
func (c *Chunks) Next() (*Chunk, error) {
	handle := bindings.FetchChunk(c.result)
	if err := c.ctx.Err(); err != nil {
		bindings.DestroyDataChunk(&handle)
		return nil, err
	}
	if handle.Ptr == nil {
		if class := bindings.ResultErrorType(&c.result); class != bindings.ErrorTypeInvalid || bindings.ResultError(&c.result) != "" {
			return nil, classed(class)
		}
		return nil, nil
	}
	chunk := &Chunk{handle: handle, Rows: int(bindings.DataChunkGetSize(handle))}
	chunk.look(c.types)
	return chunk, nil
}

// NewChunk returns an empty chunk with the result's columns.
func (c *Chunks) NewChunk() *Chunk { return newChunk(c.types) }

// Close ends the query.
func (c *Chunks) Close() error {
	c.ended()
	bindings.DestroyResult(&c.result)
	destroyTypes(c.types)
	return nil
}

func destroyTypes(types []bindings.LogicalType) {
	for i := range types {
		bindings.DestroyLogicalType(&types[i])
	}
}
