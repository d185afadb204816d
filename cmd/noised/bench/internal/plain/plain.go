// Package plain runs DuckDB itself, in the benchmark's process, with the library
// that the engine links and with DuckDB's own defaults: it makes the files that
// are uploaded, and it is the baseline of queries and loads.
package plain

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the driver "duckdb"
)

// DB is a DuckDB.
type DB struct{ db *sql.DB }

// Open opens a database file, or one in memory where path is empty, with a
// thread per core. It spills beside the file, or into dir.
func Open(ctx context.Context, path, dir string) (*DB, error) {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return nil, err
	}
	d := &DB{db}
	for _, set := range []string{
		fmt.Sprintf("SET threads = %d", runtime.GOMAXPROCS(0)),
		"SET temp_directory = " + Literal(filepath.Join(dir, "spill")),
	} {
		if err := d.Exec(ctx, set); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return d, nil
}

// OpenSegments returns a database in memory with files attached for reading, as
// s0, s1 and so on.
func OpenSegments(ctx context.Context, dir string, paths ...string) (*DB, error) {
	d, err := Open(ctx, "", dir)
	if err != nil {
		return nil, err
	}
	for i, path := range paths {
		if err := d.Exec(ctx, fmt.Sprintf("ATTACH %s AS s%d (READ_ONLY)", Literal(path), i)); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// Close closes the database.
func (d *DB) Close() error { return d.db.Close() }

// Exec runs a statement to its end. The rows of a SELECT are computed and held
// by DuckDB, and not read one by one, which would count Go's time as DuckDB's.
func (d *DB) Exec(ctx context.Context, statement string) error {
	_, err := d.db.ExecContext(ctx, statement)
	return err
}

// Int returns the one number that a query answers.
func (d *DB) Int(ctx context.Context, query string) (n int64, err error) {
	err = d.db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// Text returns the one text that a query answers.
func (d *DB) Text(ctx context.Context, query string) (text string, err error) {
	err = d.db.QueryRowContext(ctx, query).Scan(&text)
	return text, err
}

// Version is that of the library.
func Version(ctx context.Context) (version string, err error) {
	d, err := Open(ctx, "", "")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Text(ctx, "SELECT library_version FROM pragma_version()")
}

// CopyTo writes what a query answers to a Parquet file, which appears when it is
// whole.
func (d *DB) CopyTo(ctx context.Context, query, path string) error {
	part := path + ".part"
	if err := d.Exec(ctx, "COPY ("+query+") TO "+Literal(part)+" (FORMAT parquet)"); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// SortInto times what a load is compared with: DuckDB reads a file, orders it
// and writes it to a database file, which is on disk when it is closed.
func SortInto(ctx context.Context, path, read, order string) (took time.Duration, err error) {
	began := time.Now()
	d, err := Open(ctx, path, filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	err = d.Exec(ctx, "CREATE TABLE rows AS SELECT * FROM "+read+" ORDER BY "+order)
	if err := errors.Join(err, d.Close()); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// Literal quotes a text for SQL.
func Literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
