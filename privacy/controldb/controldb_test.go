package controldb

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/noised/noised/privacy"
)

func open(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// withCounter opens a new store with a table to write to.
func withCounter(t *testing.T) (*DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control.db")
	db := open(t, path)
	exec(t, db, `CREATE TABLE counter (n INTEGER NOT NULL)`)
	exec(t, db, `INSERT INTO counter (n) VALUES (0)`)
	return db, path
}

func exec(t *testing.T, db *DB, query string) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT n FROM counter`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func increment(ctx context.Context, tx *sql.Tx) error {
	// A read and a write apart: lost updates show if transactions overlap.
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT n FROM counter`).Scan(&n); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE counter SET n = ?`, n+1)
	return err
}

func TestFilesBelongToTheServerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	open(t, path)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
}

func TestPathMayHoldAnyCharacter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?b#c%20&d=e.db")
	db := open(t, path)
	exec(t, db, `CREATE TABLE counter (n INTEGER NOT NULL)`)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestOpenNeedsTheDirectory(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "missing", "control.db"))
	if privacy.CodeOf(err) != privacy.CodeInternal || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestCommittedTransactionsAreFoundAgain(t *testing.T) {
	db, path := withCounter(t)
	if err := db.InTx(t.Context(), increment); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := count(t, open(t, path)); got != 1 {
		t.Errorf("counter = %d after opening again, want 1", got)
	}
}

func TestFailedTransactionsLeaveNothing(t *testing.T) {
	db, _ := withCounter(t)
	refused := privacy.Errorf(privacy.CodeConflict, "no")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if err := increment(ctx, tx); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("InTx returned %v, want the error of fn", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			if err := increment(ctx, tx); err != nil {
				return err
			}
			panic("a bug in fn")
		})
	}()
	if got := count(t, db); got != 0 {
		t.Errorf("counter = %d, want 0", got)
	}
	if err := db.InTx(t.Context(), increment); err != nil {
		t.Errorf("the writer is unusable after a panic: %v", err)
	}
}

// TestRefusedCommitLeavesTheWriterUsable provokes a commit that SQLite itself
// refuses, by a foreign key that is only checked then. SQLite leaves such a
// transaction open.
func TestRefusedCommitLeavesTheWriterUsable(t *testing.T) {
	db, _ := withCounter(t)
	exec(t, db, `CREATE TABLE parent (id INTEGER PRIMARY KEY)`)
	exec(t, db, `CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)`)
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if err := increment(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO child (id) VALUES (7)`)
		return err
	})
	if privacy.CodeOf(err) != privacy.CodeInternal {
		t.Fatalf("commit of a broken foreign key: %v", err)
	}
	if got := count(t, db); got != 0 {
		t.Errorf("counter = %d after a refused commit, want 0", got)
	}
	if err := db.InTx(t.Context(), increment); err != nil {
		t.Errorf("next transaction: %v", err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db, _ := withCounter(t)
	rows, err := db.QueryContext(t.Context(), `UPDATE counter SET n = 9 RETURNING n`)
	if err == nil {
		rows.Next()
		err = rows.Err()
		_ = rows.Close()
	}
	if err == nil || count(t, db) != 0 {
		t.Errorf("a read changed the store (err = %v)", err)
	}
}

func TestHangUpDoesNotUndoATransaction(t *testing.T) {
	db, _ := withCounter(t)
	ctx, hangUp := context.WithCancel(t.Context())
	err := db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		hangUp()
		return increment(ctx, tx)
	})
	if err != nil || count(t, db) != 1 {
		t.Errorf("err = %v, counter = %d, want nil and 1", err, count(t, db))
	}
}

// TestWaitingEndsWithTheContext holds the write lock and lets another caller
// give up: one in the same process, which queues for the connection, and one
// behind another handle, which meets a busy file.
func TestWaitingEndsWithTheContext(t *testing.T) {
	holder, path := withCounter(t)
	for name, waiter := range map[string]*DB{"same handle": holder, "other handle": open(t, path)} {
		t.Run(name, func(t *testing.T) {
			err := holder.InTx(t.Context(), func(context.Context, *sql.Tx) error {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				err := waiter.InTx(ctx, increment)
				if privacy.CodeOf(err) != privacy.CodeUnavailable || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want unavailable because of the deadline", err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if err := waiter.InTx(t.Context(), increment); err != nil {
				t.Errorf("after the lock was given back: %v", err)
			}
		})
	}
	if got := count(t, holder); got != 2 {
		t.Errorf("counter = %d, want 2", got)
	}
}

func TestHandlesDoNotLoseUpdates(t *testing.T) {
	first, path := withCounter(t)
	second := open(t, path)
	const clients, each = 8, 25
	var wg sync.WaitGroup
	for i := range 2 * clients {
		db := []*DB{first, second}[i%2]
		wg.Go(func() {
			for range each {
				if err := db.InTx(t.Context(), increment); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := count(t, first); got != 2*clients*each {
		t.Errorf("counter = %d, want %d", got, 2*clients*each)
	}
}

func TestConcurrentOpenCreatesOneSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 4 { // so that some open while others close
				db, err := Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestMigrationsMayArriveOutOfOrder applies a lower number after a higher one,
// each exactly once.
func TestMigrationsMayArriveOutOfOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	files := fstest.MapFS{"00020_b.sql": {Data: []byte("-- +goose Up\nCREATE TABLE b (x INTEGER);\n")}}
	for range 2 {
		if err := migrate(t.Context(), path, "", files); err != nil {
			t.Fatal(err)
		}
		files["00010_a.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE a (x INTEGER);\n")}
	}
	if err := migrate(t.Context(), path, "", files); err != nil {
		t.Errorf("migrating what is up to date: %v", err)
	}
	files["00030_c.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE a (x INTEGER);\n")}
	if err := migrate(t.Context(), path, "", files); err == nil {
		t.Error("a migration that fails was reported as applied")
	}
}

// TestAStoreOfALaterProgramIsRefused opens a store that has seen a migration
// which this program lacks, whatever its number.
func TestAStoreOfALaterProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	files := fstest.MapFS{
		"00010_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (x INTEGER);\n")},
		"00020_b.sql": {Data: []byte("-- +goose Up\nCREATE TABLE b (x INTEGER);\n")},
	}
	if err := migrate(t.Context(), path, "", files); err != nil {
		t.Fatal(err)
	}
	delete(files, "00010_a.sql")
	if err := migrate(t.Context(), path, "", files); err == nil || !strings.Contains(err.Error(), "migration 10") {
		t.Errorf("an unknown migration: %v", err)
	}
}
