package schema

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Migration is a step of the schema.
type Migration struct {
	Number int64  `json:"number"`
	Name   string `json:"name"`
}

// Status is how a store's schema stands to this program.
type Status struct {
	Applied []int64     // by number
	Pending []Migration // that opening the store would apply
	Unknown []int64     // of a later program: this one refuses the store
	Program string      // the last one that changed the schema; empty where that is not on record
}

// StatusOf looks at a store, or a copy of one, without changing it. The files are the
// migrations that the program has.
func StatusOf(ctx context.Context, db *sql.DB, files fs.FS) (s Status, err error) {
	known, err := listed(files)
	if err != nil {
		return s, err
	}
	if s.Applied, err = applied(ctx, db); err != nil {
		return s, err
	}
	for _, m := range known {
		if !slices.Contains(s.Applied, m.Number) {
			s.Pending = append(s.Pending, m)
		}
	}
	for _, n := range s.Applied {
		if !slices.ContainsFunc(known, func(m Migration) bool { return m.Number == n }) {
			s.Unknown = append(s.Unknown, n)
		}
	}
	s.Program, err = lastProgram(ctx, db)
	return s, err
}

// listed returns the migrations of files, by number.
func listed(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []Migration
	for _, file := range names {
		number, name, _ := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the migration %s has no number", file)
		}
		all = append(all, Migration{Number: n, Name: name})
	}
	return all, nil
}

// applied returns the numbers of the migrations that a store has seen, none for a
// store that is empty.
func applied(ctx context.Context, db *sql.DB) ([]int64, error) {
	if there, err := hasTable(ctx, db, "goose_db_version"); err != nil || !there {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT DISTINCT version_id FROM goose_db_version WHERE is_applied AND version_id > 0 ORDER BY version_id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// lastProgram returns the version of the program that changed the schema last.
func lastProgram(ctx context.Context, db *sql.DB) (program string, err error) {
	if there, err := hasTable(ctx, db, "programs"); err != nil || !there {
		return "", err
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce((SELECT program FROM programs ORDER BY seq DESC LIMIT 1), '')`).Scan(&program)
	return program, err
}

func hasTable(ctx context.Context, db *sql.DB, name string) (there bool, err error) {
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`, name).Scan(&there)
	return there, err
}

// refuse says why this program does not touch a store of a later one, which may have
// changed what a charge means; nil for any other store.
func (s Status) refuse() error {
	if len(s.Unknown) == 0 {
		return nil
	}
	by := "a later version of noised"
	if s.Program != "" {
		by = "noised " + s.Program
	}
	return fmt.Errorf("%s wrote it: it has migration %d, which this program does not know. Use that version, or a later one; "+
		"to go back to this one, put back the copy of the control store that was made before the upgrade: noised upgrade --back --data-dir DIR",
		by, s.Unknown[len(s.Unknown)-1])
}
