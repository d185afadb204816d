package attached

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/noised/noised/analytics/engine/duckdb/native"
)

// Instance is a DuckDB with a fixed set of files attached read-only and nothing
// else within reach: what is not attached when it opens never can be.
type Instance struct {
	db       *native.Database
	Catalogs map[string]string // path → catalog
	Rows     map[string]int64  // about how many rows each catalog has
	facts    facts

	mu    sync.Mutex
	idle  map[string][]*Reader // by what their last statements were for
	idles int
}

// Open attaches the files and locks the configuration.
func Open(o Settings, p Purpose, paths []string) (*Instance, error) {
	db, err := native.Open(o.config(p))
	if err != nil {
		return nil, err
	}
	in := &Instance{db: db, Catalogs: make(map[string]string), idle: make(map[string][]*Reader)}
	if err := in.prepare(o, p, paths); err != nil {
		db.Close()
		return nil, err
	}
	return in, nil
}

func (in *Instance) prepare(o Settings, p Purpose, paths []string) error {
	c, err := in.db.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	first, err := o.encrypting()
	if err != nil {
		return err
	}
	for _, sql := range first {
		if err := c.Exec("load the extension that encrypts", sql); err != nil {
			return err
		}
	}
	for i, path := range paths {
		catalog := fmt.Sprintf("s%d", i)
		// Whoever waits for this instance waits for all of it: no caller's end ends it.
		sql, err := o.attach(context.Background(), path, catalog)
		if err != nil {
			return err
		}
		if err := c.Exec("attach a segment", sql); err != nil {
			return err
		}
		in.Catalogs[path] = catalog
	}
	if err := in.checkTables(c); err != nil {
		return err
	}
	for _, sql := range lockdown(p) {
		if err := c.Exec("lock the configuration", sql); err != nil {
			return err
		}
	}
	return nil
}

// checkTables refuses a file whose rows are not a table. A view in one could have the
// Rows of another file, of another tenant, be its own.
func (in *Instance) checkTables(c *native.Connection) error {
	in.Rows = make(map[string]int64)
	if err := countRows(c, in.Rows); err != nil {
		return err
	}
	for _, catalog := range in.Catalogs {
		if _, ok := in.Rows[catalog]; !ok {
			return fmt.Errorf("a segment has no table of rows")
		}
	}
	return nil
}

// Reader is a connection that runs borrow.
type Reader struct {
	Conn *native.Connection
	// Memory is what its borrowers decode into. It is theirs, and kept with the
	// connection, so that one statement after another uses it again.
	Memory any
}

// Connect returns a connection that no run borrows. Whoever asked closes it.
func (in *Instance) Connect() (*native.Connection, error) { return in.db.Connect() }

// statements are those that idle readers have prepared.
func (in *Instance) statements() (out []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, readers := range in.idle {
		for _, r := range readers {
			out = append(out, r.Conn.SQL)
		}
	}
	return out
}

// Borrow returns an idle reader, whose statement may be the one that is asked
// for, or a new one.
func (in *Instance) Borrow(statement string) (*Reader, error) {
	in.mu.Lock()
	if readers := in.idle[statement]; len(readers) > 0 {
		r := readers[len(readers)-1]
		in.idle[statement] = readers[:len(readers)-1]
		in.idles--
		in.mu.Unlock()
		return r, nil
	}
	in.mu.Unlock()
	c, err := in.db.Connect()
	if err != nil {
		return nil, err
	}
	if err := c.Exec("size the buffer", streamBuffer); err != nil {
		c.Close()
		return nil, err
	}
	return &Reader{Conn: c}, nil
}

// streamBuffer makes results wait in a buffer that stays in the processor's
// cache, for the rows that are fetched next, also where a dozen streams are
// merged.
const streamBuffer = "SET streaming_buffer_size = '16KB'"

// Readers that stay open between runs: for one statement, and for all.
const (
	maxIdle    = 4
	maxReaders = 256
)

// GiveBack keeps a reader whose last statement ended well for another run, and
// closes any other.
func (in *Instance) GiveBack(statement string, r *Reader, clean bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if clean && len(in.idle[statement]) < maxIdle && in.idles < maxReaders {
		in.idle[statement] = append(in.idle[statement], r)
		in.idles++
		return
	}
	r.Conn.Close()
}

func countRows(c *native.Connection, into map[string]int64) error {
	result, err := c.Query("SELECT database_name, estimated_size FROM duckdb_tables() WHERE schema_name = 'main' AND table_name = 'rows'")
	if err != nil {
		return err
	}
	defer result.Close()
	if len(result.Types) != 2 || result.Types[0] != native.PhysicalText || result.Types[1] != native.PhysicalInt64 {
		return fmt.Errorf("the numbers of rows have other types")
	}
	for {
		ch, more, err := result.Next()
		if err != nil || !more {
			return err
		}
		names, counts := ch.Vector(0, native.PhysicalText), ch.Vector(1, native.PhysicalInt64)
		for i, name := range native.View[native.Text](names, ch.Rows) {
			if !names.Null(i) && !counts.Null(i) {
				into[string(name.Bytes())] = native.View[int64](counts, ch.Rows)[i]
			}
		}
		ch.Close()
	}
}

// Close must not run while a reader is borrowed.
func (in *Instance) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, readers := range in.idle {
		for _, r := range readers {
			r.Conn.Close()
		}
	}
	in.idle = nil
	in.db.Close()
}

// setKey identifies an instance by its purpose and paths, which must be sorted.
func setKey(p Purpose, paths []string) string {
	return string(rune('0'+p)) + strings.Join(paths, "\x00")
}

// PathsOf returns the sorted paths of a run's segments, or an error when one
// occurs twice: its rows would count twice.
func PathsOf(paths []string) ([]string, error) {
	sorted := slices.Clone(paths)
	slices.Sort(sorted)
	if len(slices.Compact(slices.Clone(sorted))) != len(sorted) {
		return nil, fmt.Errorf("a segment is listed twice")
	}
	return sorted, nil
}
