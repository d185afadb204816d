package controldb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/privacy/controldb/schema"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// Migrations returns those of every package.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil { // the path is a constant, and well-formed
		panic(err)
	}
	return files
}

// migrate brings a store's schema up to date. The caller holds the directory's lock.
func migrate(ctx context.Context, path, program string, files fs.FS) error {
	db, err := connect(path, "immediate", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return schema.Migrate(ctx, db, path, program, files)
}

// CopiesDir is where copies of a store from before it was migrated lie.
const CopiesDir = schema.CopiesDir

// ForgetCopies removes copies from before migrations that are older than a time.
func ForgetCopies(path string, before time.Time) error { return schema.ForgetCopies(path, before) }

// Copy writes a copy of the store at path to a new file, as of one moment, while
// other processes use the store. It applies no migration: the copy has the schema
// that the store has. What was deleted is in no page of it. When Copy returns nil,
// the copy is on disk; otherwise there is none.
func Copy(ctx context.Context, path, to string) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err // SQLite would make an empty store
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := connect(abs, "deferred", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return schema.CopyInto(ctx, db, to)
}

// Back puts a copy from before a migration in the place of a store that no process
// uses: see [schema.Back].
func Back(ctx context.Context, path, chosen string) (from, aside string, err error) {
	return back(ctx, path, chosen, Migrations())
}

func back(ctx context.Context, path, chosen string, files fs.FS) (from, aside string, err error) {
	unlock, err := lockDir(ctx, filepath.Dir(path))
	if err != nil {
		return "", "", err
	}
	defer unlock()
	return schema.Back(ctx, path, chosen, files, func() error { return alone(ctx, path) })
}

// alone empties a store's write-ahead log and fails if any process has the store
// open: only then may its file be replaced.
func alone(ctx context.Context, path string) (err error) {
	db, err := connect(path, "immediate", "busy_timeout(1000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode); err != nil || mode != "delete" {
		return errors.New("a server uses the control store: stop it first")
	}
	return nil
}

// lockDir takes an exclusive advisory lock on a directory, so that two
// processes that start together do not both create the schema. The lock ends
// with the process at the latest.
func lockDir(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("locking %s: %w", dir, err)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
}
