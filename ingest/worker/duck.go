package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/noised/noised/ingest/segment"
)

// The names under which the scratch file and the new segment are attached.
const (
	stageDB   = "stage"
	segmentDB = "segment"
)

// duck is a DuckDB without a database of its own, on one connection, that can
// reach the task's directory and the named files only.
type duck struct {
	db   *sql.DB
	conn *sql.Conn
}

// open starts DuckDB within the task's limits, attaches the scratch file and
// the new segment, and locks the rest of the machine out.
func (t *task) open(ctx context.Context, readable ...string) (*duck, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	d := &duck{db: sql.OpenDB(connector)}
	if d.conn, err = d.db.Conn(ctx); err != nil {
		_ = d.db.Close()
		return nil, err
	}
	if err := t.prepare(ctx, d, readable); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (t *task) prepare(ctx context.Context, d *duck, readable []string) error {
	spill := filepath.Join(t.spec.Dir, "spill")
	if err := os.MkdirAll(spill, 0o700); err != nil {
		return err
	}
	if err := t.register(d); err != nil {
		return err
	}
	settings := []string{
		fmt.Sprintf("SET threads = %d", max(t.spec.Threads, 1)),
		// DuckDB's own limit leaves out what it does not count (about 150 MB
		// when measured) and the Go side.
		fmt.Sprintf("SET memory_limit = '%dMB'", max(t.spec.MemoryMB*11/20, 64)),
		"SET temp_directory = " + segment.Literal(spill),
		// Staged rows keep the order of the upload, so that rowid tells where
		// they were.
		"SET preserve_insertion_order = true",
		"SET TimeZone = 'UTC'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET enable_progress_bar = false",
		"PRAGMA disable_checkpoint_on_shutdown", // the scratch file is thrown away
		"SET allowed_directories = [" + segment.Literal(t.spec.Dir+"/") + "]",
		"SET allowed_paths = " + literals(readable),
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	}
	return d.exec(ctx, settings...)
}

// register gives DuckDB the functions that the task's statements use.
func (t *task) register(d *duck) error {
	functions := map[string]*textFunction{countFunction: newCountFunction(&t.seen)}
	if len(t.spec.Salt) > 0 {
		functions[rankFunction] = newRankFunction(t.spec.Salt)
	}
	if len(t.spec.Key) > 0 {
		functions[unitFunction] = newUnitFunction(t.spec.Key, &t.seen)
	}
	for name, f := range functions {
		if err := duckdb.RegisterScalarUDF(d.conn, name, f); err != nil {
			return err
		}
	}
	return nil
}

// readable returns the paths that DuckDB may open to read segments.
func readable(segments []string) []string {
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

// attach opens a database file under a name.
func (d *duck) attach(ctx context.Context, path, name string, readOnly bool) error {
	mode := ""
	if readOnly {
		mode = " (READ_ONLY)"
	}
	return d.exec(ctx, "ATTACH "+segment.Literal(path)+" AS "+segment.Quote(name)+mode)
}

func (d *duck) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := d.conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// ints runs a query whose answer is one row of whole numbers.
func (d *duck) ints(ctx context.Context, query string, into ...*int64) error {
	targets := make([]any, len(into))
	for i, p := range into {
		targets[i] = p
	}
	return d.conn.QueryRowContext(ctx, query).Scan(targets...)
}

func (d *duck) close() error {
	return errors.Join(d.conn.Close(), d.db.Close())
}
