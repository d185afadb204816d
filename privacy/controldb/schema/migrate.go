package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// Migrate applies to a store at a path every migration that it has not seen, each in its own
// transaction, and has it on record that the program did. The caller holds the
// directory's lock. Packages number their migrations in ranges of their own, so a
// file may learn of a lower number after a higher one.
//
// A store that has a schema already is copied first: see Back.
func Migrate(ctx context.Context, db *sql.DB, path, program string, files fs.FS) error {
	status, err := StatusOf(ctx, db, files)
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
