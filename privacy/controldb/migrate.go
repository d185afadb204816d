package controldb

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// embedded returns the migrations of every package.
func embedded() (fs.FS, error) { return fs.Sub(migrations, "migrations/sqlite") }

// migrate applies every migration that the file has not seen, each in its own
// transaction, and has it on record that the program did. The caller holds the
// directory's lock. Packages number their migrations in ranges of their own, so a
// file may learn of a lower number after a higher one.
//
// A store that has a schema already is copied first: see Back.
func migrate(ctx context.Context, path, program string, files fs.FS) error {
	db, err := connect(path, "immediate", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	status, err := statusOf(ctx, db, files)
	if err != nil {
		return err
	}
	if err := status.refuse(); err != nil || len(status.Pending) == 0 {
		return err
	}
	if len(status.Applied) > 0 {
		if err := keepCopy(ctx, db, path, status); err != nil {
			return fmt.Errorf("it is not migrated, since no copy of it could be made before: %w", err)
		}
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return record(ctx, db, program, done)
}

// record notes which migrations a program applied.
func record(ctx context.Context, db *sql.DB, program string, done []*goose.MigrationResult) error {
	if there, err := hasTable(ctx, db, "programs"); err != nil || !there {
		return err
	}
	numbers := []int64{}
	for _, m := range done {
		numbers = append(numbers, m.Source.Version)
	}
	text, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO programs (at, program, migrations) VALUES (?, ?, ?)`, time.Now().UnixMicro(), program, string(text))
	return err
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
