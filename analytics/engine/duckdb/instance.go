package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// instance is a DuckDB with a fixed set of files attached read-only and nothing
// else within reach: what is not attached when it opens never can be.
type instance struct {
	db       *database
	catalogs map[string]string // path → catalog
	rows     map[string]int64  // about how many rows each catalog has
	facts    facts

	mu    sync.Mutex
	idle  map[string][]*reader // by what their last statements were for
	idles int
}

// openInstance attaches the files and locks the configuration.
func openInstance(o Options, p purpose, paths []string) (*instance, error) {
	db, err := openDatabase(o.settings(p))
	if err != nil {
		return nil, err
	}
	in := &instance{db: db, catalogs: make(map[string]string), idle: make(map[string][]*reader)}
	if err := in.prepare(o, p, paths); err != nil {
		db.close()
		return nil, err
	}
	return in, nil
}

func (in *instance) prepare(o Options, p purpose, paths []string) error {
	c, err := in.db.connect()
	if err != nil {
		return err
	}
	defer c.close()
	first, err := o.encrypting()
	if err != nil {
		return err
	}
	for _, sql := range first {
		if err := c.exec("load the extension that encrypts", sql); err != nil {
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
		if err := c.exec("attach a segment", sql); err != nil {
			return err
		}
		in.catalogs[path] = catalog
	}
	if err := in.checkTables(c); err != nil {
		return err
	}
	for _, sql := range lockdown(p) {
		if err := c.exec("lock the configuration", sql); err != nil {
			return err
		}
	}
	return nil
}

// checkTables refuses a file whose rows are not a table. A view in one could have the
// rows of another file, of another tenant, be its own.
func (in *instance) checkTables(c *connection) error {
	in.rows = make(map[string]int64)
	if err := c.countRows(in.rows); err != nil {
		return err
	}
	for _, catalog := range in.catalogs {
		if _, ok := in.rows[catalog]; !ok {
			return fmt.Errorf("a segment has no table of rows")
		}
	}
	return nil
}

// borrow returns an idle reader, whose statement may be the one that is asked
// for, or a new one.
func (in *instance) borrow(statement string) (*reader, error) {
	in.mu.Lock()
	if readers := in.idle[statement]; len(readers) > 0 {
		r := readers[len(readers)-1]
		in.idle[statement] = readers[:len(readers)-1]
		in.idles--
		in.mu.Unlock()
		return r, nil
	}
	in.mu.Unlock()
	c, err := in.db.connect()
	if err != nil {
		return nil, err
	}
	if err := c.exec("size the buffer", streamBuffer); err != nil {
		c.close()
		return nil, err
	}
	return newReader(c), nil
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

// giveBack keeps a reader whose last statement ended well for another run, and
// closes any other.
func (in *instance) giveBack(statement string, r *reader, clean bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if clean && len(in.idle[statement]) < maxIdle && in.idles < maxReaders {
		in.idle[statement] = append(in.idle[statement], r)
		in.idles++
		return
	}
	r.conn.close()
}

func (c *connection) countRows(into map[string]int64) error {
	result, err := c.query("SELECT database_name, estimated_size FROM duckdb_tables() WHERE schema_name = 'main' AND table_name = 'rows'")
	if err != nil {
		return err
	}
	defer result.close()
	if len(result.types) != 2 || result.types[0] != physicalText || result.types[1] != physicalInt64 {
		return fmt.Errorf("the numbers of rows have other types")
	}
	for {
		ch, more, err := result.next()
		if err != nil || !more {
			return err
		}
		names, counts := ch.vector(0, physicalText), ch.vector(1, physicalInt64)
		for i, name := range view[text](names, ch.rows) {
			if !names.null(i) && !counts.null(i) {
				into[string(name.bytes())] = view[int64](counts, ch.rows)[i]
			}
		}
		ch.close()
	}
}

// close must not run while a reader is borrowed.
func (in *instance) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, readers := range in.idle {
		for _, r := range readers {
			r.conn.close()
		}
	}
	in.idle = nil
	in.db.close()
}

// setKey identifies an instance by its purpose and paths, which must be sorted.
func setKey(p purpose, paths []string) string {
	return string(rune('0'+p)) + strings.Join(paths, "\x00")
}

// pathsOf returns the sorted paths of a run's segments, or an error when one
// occurs twice: its rows would count twice.
func pathsOf(paths []string) ([]string, error) {
	sorted := slices.Clone(paths)
	slices.Sort(sorted)
	if len(slices.Compact(slices.Clone(sorted))) != len(sorted) {
		return nil, fmt.Errorf("a segment is listed twice")
	}
	return sorted, nil
}
