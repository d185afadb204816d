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
)

// Later is what was taken out of the data since a snapshot, and is back in it for
// whoever returns to that.
type Later struct {
	Erasures []Erasure `json:"erasures"`
	Datasets []string  `json:"deleted_datasets"`
	Tenants  []string  `json:"deleted_tenants"` // those that were made anew under their name since, too
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
	then, err := r.look(ctx, s, dir)
	if err != nil {
		return l, err
	}
	now, err := r.look(ctx, newest, dir)
	if err != nil {
		return l, err
	}
	for _, e := range now.erasures {
		if !e.ended.Before(s.At) {
			l.Erasures = append(l.Erasures, e.Erasure)
		}
	}
	l.Datasets = append(l.Datasets, without(now.deleted, then.deleted)...)
	for _, t := range without(then.tenants, now.tenants) {
		l.Tenants = append(l.Tenants, t.name)
	}
	return l, nil
}

// known is what a control store knows of what was taken out of the data.
type known struct {
	erasures []erasure
	deleted  []string // datasets
	tenants  []tenant // that there are
}

// erasure is one that did not fail, and when it ended, or was asked for where it has
// not.
type erasure struct {
	Erasure
	ended time.Time
}

// tenant tells tenants apart that had one name at different times.
type tenant struct {
	name string
	made int64
}

func without[T comparable](all, these []T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return slices.Contains(these, v) })
}

// look reads the control store of a snapshot, of whichever version of the program.
func (r *Repository) look(ctx context.Context, s *Snapshot, scratch string) (k known, err error) {
	control := filepath.Join(scratch, fmt.Sprintf("%d-%s", s.Number, controlFile))
	if err := r.bring(ctx, s.Control, control, 0o600); err != nil {
		return k, fmt.Errorf("the control store of snapshot %d, which tells what was erased and deleted: %w", s.Number, err)
	}
	db, err := schema.Open(control)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	k.erasures, err = list(ctx, db, "erasures", `SELECT id, tenant, dataset, created_at, coalesce(finished_at, created_at)
		FROM erasures WHERE state <> 'failed' ORDER BY seq`, func(rows *sql.Rows) (e erasure, err error) {
		var at, ended int64
		err = rows.Scan(&e.ID, &e.Tenant, &e.Dataset, &at, &ended)
		e.At, e.ended = time.UnixMicro(at).UTC(), time.UnixMicro(ended)
		return e, err
	})
	if err != nil {
		return k, err
	}
	k.deleted, err = list(ctx, db, "deleted_datasets", `SELECT dataset FROM deleted_datasets ORDER BY dataset`, func(rows *sql.Rows) (name string, err error) {
		return name, rows.Scan(&name)
	})
	if err != nil {
		return k, err
	}
	k.tenants, err = list(ctx, db, "tenants", `SELECT name, created_at FROM tenants ORDER BY name`, func(rows *sql.Rows) (t tenant, err error) {
		return t, rows.Scan(&t.name, &t.made)
	})
	return k, err
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
