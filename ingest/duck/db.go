package duck

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/noised/noised/ingest/segment"
)

// Options are the limits of a DB, and the keys of its functions.
type Options struct {
	Dir      string   // of the worker's own, where the database may read and write
	Readable []string // other files that it may read
	Threads  int
	MemoryMB int // of the whole process

	Key  []byte        // of UnitFunction and NumberFunction, which are not there without
	Seen *atomic.Int64 // counts the rows that passed them or CountFunction

	Encryption segment.Encryption // of files and of what is spilled
}

// DB is a DuckDB without a database of its own, on one connection besides those
// of appenders, that can reach its own directory and the named files only.
type DB struct {
	db   *sql.DB
	conn *sql.Conn

	encryption segment.Encryption
}

// Open starts DuckDB within limits and locks the rest of the machine out.
func Open(ctx context.Context, o Options) (*DB, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	d := &DB{db: sql.OpenDB(connector), encryption: o.Encryption}
	if d.conn, err = d.db.Conn(ctx); err != nil {
		_ = d.db.Close()
		return nil, err
	}
	if err := d.prepare(ctx, o); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) prepare(ctx context.Context, o Options) error {
	spill := filepath.Join(o.Dir, "spill")
	if err := os.MkdirAll(spill, 0o700); err != nil {
		return err
	}
	if err := d.register(o); err != nil {
		return err
	}
	if o.Encryption.Extension != "" {
		if err := d.Exec(ctx, "LOAD "+segment.Literal(o.Encryption.Extension), "SET temp_file_encryption = true"); err != nil {
			return err
		}
	}
	settings := []string{
		fmt.Sprintf("SET threads = %d", max(o.Threads, 1)),
		// DuckDB's own limit leaves out what it does not count (about 150 MB
		// when measured) and the Go side.
		fmt.Sprintf("SET memory_limit = '%dMB'", max(o.MemoryMB*11/20, 64)),
		"SET temp_directory = " + segment.Literal(spill),
		// Staged rows keep the order of the upload, so that rowid tells where
		// they were.
		"SET preserve_insertion_order = true",
		"SET TimeZone = 'UTC'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET enable_progress_bar = false",
		"PRAGMA disable_checkpoint_on_shutdown", // the scratch file is thrown away
		"SET allowed_directories = [" + segment.Literal(o.Dir+"/") + "]",
		"SET allowed_paths = " + literals(o.Readable),
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	}
	return d.Exec(ctx, settings...)
}

// register gives DuckDB the functions that have a key.
func (d *DB) register(o Options) error {
	functions := map[string]*function{CountFunction: newCountFunction(o.Seen), FractionFunction: newFractionFunction()}
	if len(o.Key) > 0 {
		functions[UnitFunction], functions[NumberFunction] = unitFunctions(o.Key, o.Seen)
	}
	for name, f := range functions {
		if err := duckdb.RegisterScalarUDF(d.conn, name, f); err != nil {
			return err
		}
	}
	return nil
}

// Readable returns the paths that DuckDB opens to read segments.
func Readable(segments []string) []string {
	var paths []string
	for _, path := range segments {
		paths = append(paths, path, path+".wal") // there is none, but DuckDB looks
	}
	return paths
}

func literals(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = segment.Literal(v)
	}
	return "[" + strings.Join(quoted, ", ") + "]::VARCHAR[]"
}

// Attach opens a database file under a name.
func (d *DB) Attach(ctx context.Context, path, name string, readOnly bool) error {
	var options []string
	if readOnly {
		options = append(options, "READ_ONLY")
	}
	if key := d.keyOf(path, readOnly); key != nil {
		options = append(options, "ENCRYPTION_KEY '"+hex.EncodeToString(key)+"'", "ENCRYPTION_CIPHER 'GCM'")
	}
	statement := "ATTACH " + segment.Literal(path) + " AS " + segment.Quote(name)
	if len(options) > 0 {
		statement += " (" + strings.Join(options, ", ") + ")"
	}
	return d.Exec(ctx, statement)
}

// keyOf returns the key of a file that is or becomes encrypted, else nil. A scratch
// file has a key that is nowhere else.
func (d *DB) keyOf(path string, readOnly bool) []byte {
	key := d.encryption.Keys[path]
	if readOnly || path == ":memory:" || d.encryption.Extension == "" {
		return key
	}
	if key == nil {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails: crypto/rand aborts the process instead
	}
	return key
}

// Exec runs statements until one fails.
func (d *DB) Exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := d.conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// Ints runs a query whose answer is one row of whole numbers.
func (d *DB) Ints(ctx context.Context, query string, into ...*int64) error {
	targets := make([]any, len(into))
	for i, p := range into {
		targets[i] = p
	}
	return d.conn.QueryRowContext(ctx, query).Scan(targets...)
}

// Query runs a query.
func (d *DB) Query(ctx context.Context, query string) (*sql.Rows, error) {
	return d.conn.QueryContext(ctx, query)
}

// Describe returns the names and types of a relation's columns.
func (d *DB) Describe(ctx context.Context, relation string) (names, types []string, err error) {
	rows, err := d.Query(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "+relation+")")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, nil, err
		}
		names, types = append(names, name), append(types, kind)
	}
	return names, types, rows.Err()
}

// Close ends DuckDB. What was attached is closed.
func (d *DB) Close() error {
	return errors.Join(d.conn.Close(), d.db.Close())
}
