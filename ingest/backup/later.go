package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy/controldb/schema"
	"github.com/noised/noised/privacy/translog"
)

// Later is what was taken out of the data since a snapshot, and is back in it for
// whoever returns to that.
type Later struct {
	Erasures []Erasure `json:"erasures"`
	Datasets []string  `json:"deleted_datasets"`
	Tenants  []string  `json:"deleted_tenants"` // those that were made anew under their name since, too
	// Parted says that the newest snapshot is of a directory that went on from before
	// this one: tenants that it has not may never have been there, and are not listed.
	Parted bool `json:"parted,omitempty"`
}

// Erasure is a request to erase people that a snapshot does not know. Who they are is
// not on record anywhere.
type Erasure struct {
	ID      string    `json:"id"`
	Tenant  string    `json:"tenant"`
	Dataset string    `json:"dataset"`
	At      time.Time `json:"at"`
}

// Since returns what the newest snapshot of the repository knows to have gone since
// another one was taken, erasures that were not complete by then included: whoever
// goes back to the older one must ask for it again. It writes the control stores of
// both to a scratch directory and removes them.
func (r *Repository) Since(ctx context.Context, s *Snapshot, scratch string) (l Later, err error) {
	l = Later{Erasures: []Erasure{}, Datasets: []string{}, Tenants: []string{}}
	newest, err := r.Snapshot(0)
	if err != nil || newest.Number == s.Number {
		return l, err
	}
	if err := segment.MkdirAll(scratch); err != nil {
		return l, err
	}
	dir, err := os.MkdirTemp(scratch, ".noised-restore-")
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var had contents
	err = r.look(ctx, s, dir, func(db *sql.DB) (err error) {
		had, err = contentsOf(ctx, db)
		return err
	})
	if err != nil {
		return l, err
	}
	err = r.look(ctx, newest, dir, func(db *sql.DB) error { return l.read(ctx, db, s, had) })
	return l, err
}

// contents are what a snapshot has of datasets, but for those that were deleted, and of
// tenants.
type contents struct {
	datasets []string
	tenants  []tenant
}

// tenant tells tenants apart that had one name at different times.
type tenant struct {
	name string
	made int64
}

func contentsOf(ctx context.Context, db *sql.DB) (c contents, err error) {
	c.datasets, err = list(ctx, db, "dataset_versions", `SELECT DISTINCT dataset FROM dataset_versions ORDER BY dataset`, name)
	if err != nil {
		return c, err
	}
	deleted, err := deletedIn(ctx, db)
	if err != nil {
		return c, err
	}
	c.datasets = without(c.datasets, deleted)
	c.tenants, err = tenantsIn(ctx, db)
	return c, err
}

// read compares what a snapshot had with a later control store.
func (l *Later) read(ctx context.Context, db *sql.DB, s *Snapshot, had contents) error {
	erasures, err := list(ctx, db, "erasures", `SELECT id, tenant, dataset, created_at, coalesce(finished_at, created_at)
		FROM erasures WHERE state <> 'failed' ORDER BY seq`, erasure)
	if err != nil {
		return err
	}
	for _, e := range erasures {
		if !e.ended.Before(s.At) {
			l.Erasures = append(l.Erasures, e.Erasure)
		}
	}
	deleted, err := deletedIn(ctx, db)
	if err != nil {
		return err
	}
	l.Datasets = append(l.Datasets, without(had.datasets, without(had.datasets, deleted))...)
	if l.Parted, err = parted(ctx, db, s.Log); err != nil || l.Parted {
		return err
	}
	tenants, err := tenantsIn(ctx, db)
	if err != nil {
		return err
	}
	for _, t := range without(had.tenants, tenants) {
		l.Tenants = append(l.Tenants, t.name)
	}
	return nil
}

// parted reports whether the log of a control store does not go on from another one.
func parted(ctx context.Context, db *sql.DB, from Log) (bool, error) {
	size, err := translog.Size(ctx, db)
	if err != nil || size < from.Size {
		return true, err
	}
	root, err := translog.RootAt(ctx, db, from.Size)
	return root.String() != from.Root, err
}

func deletedIn(ctx context.Context, db *sql.DB) ([]string, error) {
	return list(ctx, db, "deleted_datasets", `SELECT dataset FROM deleted_datasets ORDER BY dataset`, name)
}

func tenantsIn(ctx context.Context, db *sql.DB) ([]tenant, error) {
	return list(ctx, db, "tenants", `SELECT name, created_at FROM tenants ORDER BY name`, func(rows *sql.Rows) (t tenant, err error) {
		err = rows.Scan(&t.name, &t.made)
		return t, err
	})
}

func name(rows *sql.Rows) (name string, err error) {
	err = rows.Scan(&name)
	return name, err
}

// settled is an erasure, and when it ended, or was asked for where it has not.
type settled struct {
	Erasure
	ended time.Time
}

func erasure(rows *sql.Rows) (e settled, err error) {
	var at, ended int64
	err = rows.Scan(&e.ID, &e.Tenant, &e.Dataset, &at, &ended)
	e.At, e.ended = time.UnixMicro(at).UTC(), time.UnixMicro(ended)
	return e, err
}

// without returns all that are not among these.
func without[T comparable](all, these []T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return slices.Contains(these, v) })
}

// look opens the control store of a snapshot, of whichever version of the program.
func (r *Repository) look(ctx context.Context, s *Snapshot, scratch string, at func(*sql.DB) error) (err error) {
	control := filepath.Join(scratch, fmt.Sprintf("%d-%s", s.Number, controlFile))
	if err := r.bring(ctx, s.Control, control, 0o600); err != nil {
		return fmt.Errorf("the control store of snapshot %d, which tells what was erased and deleted: %w", s.Number, err)
	}
	db, err := schema.Open(control)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return at(db)
}

// list reads a table that a store of an earlier program may lack.
func list[T any](ctx context.Context, db *sql.DB, table, query string, scan func(*sql.Rows) (T, error)) (all []T, err error) {
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = ?`, table).Scan(&there); err != nil || !there {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
