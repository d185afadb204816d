package duck

import (
	"context"
	"database/sql"
	"errors"
	"reflect"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Appender adds chunks to one table, in their order and in one transaction, on
// a connection of its own: what it adds is seen once it is closed, and nothing
// of it when it is abandoned.
type Appender struct {
	conn   *sql.Conn
	handle bindings.Appender
	types  []bindings.LogicalType
	begun  bool
}

// Append returns an appender to a table of an attached database.
func (d *DB) Append(ctx context.Context, database, table string) (*Appender, error) {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	a := &Appender{conn: conn}
	native, err := raw(conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN")
		a.begun = err == nil
	}
	if err == nil && bindings.AppenderCreateExt(native, database, "main", table, &a.handle) != bindings.StateSuccess {
		err = errors.New("a table cannot be appended to")
	}
	if err != nil {
		return nil, errors.Join(err, a.Abandon())
	}
	for i := range bindings.AppenderColumnCount(a.handle) {
		a.types = append(a.types, bindings.AppenderColumnType(a.handle, i))
	}
	return a, nil
}

// NewChunk returns an empty chunk with the table's columns.
func (a *Appender) NewChunk() *Chunk { return newChunk(a.types) }

// Add adds a chunk's rows. The chunk may be used again.
func (a *Appender) Add(c *Chunk) error {
	return a.done(bindings.AppendDataChunk(a.handle, c.handle))
}

// Close adds what is still held back and ends the transaction.
func (a *Appender) Close(ctx context.Context) error {
	err := a.done(bindings.AppenderClose(a.handle))
	if err == nil {
		_, err = a.conn.ExecContext(ctx, "COMMIT")
		a.begun = err != nil
	}
	return errors.Join(err, a.Abandon())
}

// Abandon ends the appender. Without Close before, it has added nothing.
func (a *Appender) Abandon() error {
	bindings.AppenderDestroy(&a.handle)
	destroyTypes(a.types)
	a.types = nil
	var err error
	if a.begun { // the connection may be used again
		_, err = a.conn.ExecContext(context.Background(), "ROLLBACK")
		a.begun = false
	}
	return errors.Join(err, a.conn.Close())
}

func (a *Appender) done(state bindings.State) error {
	if state == bindings.StateSuccess {
		return nil
	}
	data := bindings.AppenderErrorData(a.handle)
	defer bindings.DestroyErrorData(&data)
	return classed(bindings.ErrorDataErrorType(data))
}

// raw returns the C interface's connection. The driver keeps it to itself, so
// it is read by name, and its type is checked: another version of the driver
// fails here and nowhere else.
func raw(c *sql.Conn) (conn bindings.Connection, err error) {
	err = c.Raw(func(driver any) error {
		held := reflect.Indirect(reflect.ValueOf(driver))
		if held.Kind() == reflect.Struct {
			held = held.FieldByName("conn")
		}
		if !held.IsValid() || held.Type() != reflect.TypeFor[bindings.Connection]() {
			return errors.New("this version of the driver holds no connection")
		}
		conn.Ptr = held.FieldByName("Ptr").UnsafePointer()
		return nil
	})
	return conn, err
}
