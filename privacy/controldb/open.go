package controldb

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"github.com/noised/noised/privacy"
)

// fileMode keeps the store and its -wal and -shm companions, which inherit the
// mode, to the account that runs the server.
const fileMode = 0o600

// readers is the number of connections that read beside the writer.
const readers = 8

// DB is an open control store. It is safe for concurrent use.
type DB struct {
	writer  *sql.DB // one connection, transactions begin IMMEDIATE
	reader  *sql.DB // query_only
	witness Witness // nil for none
}

// Open opens the control store at path, creates it when it is missing (with
// mode 0600; the directory must exist) and applies the migrations that it has
// not seen. Concurrent calls from several processes wait for one another.
func Open(ctx context.Context, path string) (*DB, error) { return OpenAs(ctx, path, "") }

// OpenAs is Open for a program that says which version it is: an earlier one, which
// refuses what this one has migrated, can tell then what to use.
func OpenAs(ctx context.Context, path, program string) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, privacy.Internal(err, "control store path")
	}
	// A process that closes the store empties its write-ahead log under a lock
	// for which SQLite does not always wait by itself.
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	if err := retryBusy(wait, func() error { return prepare(ctx, abs, program) }); err != nil {
		return nil, privacy.Internal(err, "opening the control store")
	}
	writer, err := connect(abs, "immediate", "busy_timeout(0)")
	if err != nil {
		return nil, privacy.Internal(err, "opening the control store")
	}
	reader, err := connect(abs, "deferred", "busy_timeout(10000)", "query_only(1)")
	if err != nil {
		_ = writer.Close()
		return nil, privacy.Internal(err, "opening the control store")
	}
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	d := &DB{writer: writer, reader: reader}
	if err := retryBusy(wait, func() error { return d.check(ctx) }); err != nil {
		_ = d.Close()
		return nil, privacy.Internal(err, "opening the control store")
	}
	return d, nil
}

// prepare creates the file and brings its schema up to date, alone.
func prepare(ctx context.Context, path, program string) error {
	unlock, err := lockDir(ctx, filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unlock()
	// The file is opened here only when it did not exist, and closed before
	// SQLite first locks it: see the package comment.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	switch {
	case err == nil:
		err = f.Close()
	case os.IsExist(err):
		err = os.Chmod(path, fileMode)
	}
	if err != nil {
		return err
	}
	return migrate(ctx, path, program, Migrations())
}

// connect returns a pool of connections to the file. The pragmas are part of
// the data source name, so that every connection of the pool has them.
func connect(path, txLock string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {txLock}, "_pragma": append([]string{
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"fullfsync(1)", // where fsync alone does not reach the disk (macOS)
		"checkpoint_fullfsync(1)",
		"foreign_keys(1)",
		"temp_store(MEMORY)", // no temporary file outside the data directory
		"secure_delete(1)",   // what is deleted is overwritten: see Scrub
	}, pragmas...)}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	c, err := sqlite.NewConnector(u.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{c}), nil
}

// check refuses to go on when a setting that durability rests on did not take:
// a file system without shared memory, for one, cannot hold a write-ahead log.
func (d *DB) check(ctx context.Context) error {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := d.writer.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s is %q and must be %q: use a local file system", pragma, got, want)
		}
	}
	return d.reader.PingContext(ctx)
}

// QueryContext reads outside a transaction. Each statement sees one consistent
// state, the last one committed.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	return d.reader.QueryContext(ctx, query, args...)
}

// QueryRowContext reads at most one row outside a transaction.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := d.ready(ctx); err != nil {
		// A row that holds an error cannot be made; one of a context that has
		// ended does.
		ended, end := context.WithCancelCause(ctx)
		end(err)
		ctx = ended
	}
	return d.reader.QueryRowContext(ctx, query, args...)
}

// Close waits for running statements and closes the store.
func (d *DB) Close() error {
	err := d.reader.Close()
	if werr := d.writer.Close(); werr != nil { // last, so that it checkpoints the log
		err = werr
	}
	if err != nil {
		return privacy.Internal(err, "closing the control store")
	}
	return nil
}
