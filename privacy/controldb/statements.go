package controldb

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// connector opens connections that keep their statements prepared. Compiling a
// statement takes as long as running it, and the server has few of them.
type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	raw, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := raw.(fullConn)
	if !ok {
		_ = raw.Close()
		return nil, fmt.Errorf("connections of type %T lack what the control store needs", raw)
	}
	return &conn{fullConn: full, kept: map[string]*statement{}}, nil
}

// fullConn is what database/sql finds in the driver's connections.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is a connection with its statements. database/sql lets one goroutine at
// a time use it.
type conn struct {
	fullConn
	kept map[string]*statement
}

// statement is prepared on one connection. While rows of it are being read, its
// text is run a second time without it.
type statement struct {
	driver.Stmt
	exec    driver.StmtExecContext
	query   driver.StmtQueryContext
	reading bool
}

// maxStatements bounds what a connection keeps. Statements beyond it are
// compiled each time, as are long ones, which were made for one occasion.
const (
	maxStatements = 200
	maxText       = 16 << 10
)

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.fullConn.ExecContext(ctx, query, args)
	}
	return s.exec.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.fullConn.QueryContext(ctx, query, args)
	}
	rows, err := s.query.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.reading = true
	return &readRows{Rows: rows, of: s}, nil
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	for _, s := range c.kept {
		_ = s.Close()
	}
	clear(c.kept)
	return c.fullConn.Close()
}

// prepared returns the statement of a text, or nil where it is to be run
// without one.
func (c *conn) prepared(ctx context.Context, query string) (*statement, error) {
	if s, ok := c.kept[query]; ok {
		if s.reading {
			return nil, nil
		}
		return s, nil
	}
	if len(c.kept) >= maxStatements || len(query) > maxText {
		return nil, nil
	}
	raw, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: raw}
	var execs, queries bool
	s.exec, execs = raw.(driver.StmtExecContext)
	s.query, queries = raw.(driver.StmtQueryContext)
	if !execs || !queries {
		return nil, raw.Close()
	}
	c.kept[query] = s
	return s, nil
}

// readRows gives the statement back when its rows were read.
type readRows struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r *readRows) Close() error {
	r.of.reading = false
	return r.Rows.Close()
}
