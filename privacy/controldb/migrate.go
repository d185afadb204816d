package controldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// embedded returns the migrations of every package.
func embedded() (fs.FS, error) { return fs.Sub(migrations, "migrations/sqlite") }

// migrate applies every migration that the file has not seen, each in its own
// transaction. The caller holds the directory's lock. Packages number their
// migrations in ranges of their own, so a file may learn of a lower number
// after a higher one.
func migrate(ctx context.Context, path string, files fs.FS) error {
	db, err := connect(path, "immediate", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if err := refuseUnknown(ctx, db, provider); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return nil
}

// refuseUnknown refuses a file with a migration that this program does not
// have: a later program made it, and may have changed what a charge means.
func refuseUnknown(ctx context.Context, db *sql.DB, provider *goose.Provider) error {
	if _, err := provider.GetDBVersion(ctx); err != nil { // makes goose's table
		return err
	}
	known := []int64{0}
	for _, s := range provider.ListSources() {
		known = append(known, s.Version)
	}
	rows, err := db.QueryContext(ctx, "SELECT version_id FROM goose_db_version WHERE is_applied")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return err
		}
		if !slices.Contains(known, version) {
			return fmt.Errorf("it has migration %d, which this program does not know: use the version of noised that made it, or a later one", version)
		}
	}
	return rows.Err()
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
