package duckdb

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/noised/noised/analytics/sqlgen"
)

// instance is a DuckDB with a fixed set of files attached read-only and nothing
// else within reach: what is not attached when it opens never can be.
type instance struct {
	db       *database
	catalogs map[string]string // path → catalog
	fan      fanOuts

	mu   sync.Mutex
	idle map[string][]*reader // by catalog
}

// openInstance attaches the files and locks the configuration.
func openInstance(o Options, paths []string) (*instance, error) {
	db, err := openDatabase(o.settings())
	if err != nil {
		return nil, err
	}
	in := &instance{db: db, catalogs: make(map[string]string), idle: make(map[string][]*reader)}
	if err := in.prepare(paths); err != nil {
		db.close()
		return nil, err
	}
	return in, nil
}

func (in *instance) prepare(paths []string) error {
	c, err := in.db.connect()
	if err != nil {
		return err
	}
	defer c.close()
	for i, path := range paths {
		file, err := sqlgen.QuoteText(path)
		if err != nil {
			return err
		}
		catalog := fmt.Sprintf("s%d", i)
		if err := c.exec("attach a segment", "ATTACH "+file+" AS "+catalog+" (READ_ONLY)"); err != nil {
			return err
		}
		in.catalogs[path] = catalog
	}
	for _, sql := range lockdown() {
		if err := c.exec("lock the configuration", sql); err != nil {
			return err
		}
	}
	return nil
}

// borrow returns an idle reader of a catalog, or a new one.
func (in *instance) borrow(catalog string) (*reader, error) {
	in.mu.Lock()
	if readers := in.idle[catalog]; len(readers) > 0 {
		r := readers[len(readers)-1]
		in.idle[catalog] = readers[:len(readers)-1]
		in.mu.Unlock()
		return r, nil
	}
	in.mu.Unlock()
	c, err := in.db.connect()
	if err != nil {
		return nil, err
	}
	return newReader(c), nil
}

// maxIdle is the number of readers per segment that stay open between runs.
const maxIdle = 4

// giveBack keeps a reader whose last statement ended well for another run, and
// closes any other.
func (in *instance) giveBack(catalog string, r *reader, clean bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if clean && len(in.idle[catalog]) < maxIdle {
		in.idle[catalog] = append(in.idle[catalog], r)
		return
	}
	r.conn.close()
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

// setKey identifies a set of paths, which must be sorted.
func setKey(paths []string) string { return strings.Join(paths, "\x00") }

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
