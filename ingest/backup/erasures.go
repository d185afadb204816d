package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy/controldb/schema"
)

// Erasure is a request to erase people that a snapshot does not know. Who they are is
// not on record anywhere.
type Erasure struct {
	ID      string    `json:"id"`
	Tenant  string    `json:"tenant"`
	Dataset string    `json:"dataset"`
	At      time.Time `json:"at"`
}

// ErasuresSince returns the erasures that were not complete as a snapshot was taken,
// as far as the newest snapshot of the repository knows of them: whoever goes back
// to the older one must ask for them again. It writes that one's control store to
// a scratch directory and removes it.
func (r *Repository) ErasuresSince(ctx context.Context, s *Snapshot, scratch string) (all []Erasure, err error) {
	newest, err := r.Snapshot(0)
	if err != nil {
		return nil, err
	}
	all = []Erasure{}
	if newest.Number == s.Number {
		return all, nil
	}
	if err := segment.MkdirAll(scratch); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(scratch, ".noised-restore-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	control := filepath.Join(dir, controlFile)
	if err := r.bring(ctx, newest.Control, control, 0o600); err != nil {
		return nil, fmt.Errorf("the control store of snapshot %d, which tells of erasures: %w", newest.Number, err)
	}
	db, err := schema.Open(control)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'erasures'`).Scan(&there); err != nil || !there {
		return all, err // an earlier program took it
	}
	rows, err := db.QueryContext(ctx, `SELECT id, tenant, dataset, created_at FROM erasures
		WHERE state <> 'failed' AND coalesce(finished_at, created_at) >= ? ORDER BY seq`, s.At.UnixMicro())
	if err != nil {
		return nil, err
	}
	return scanErasures(rows)
}

func scanErasures(rows *sql.Rows) ([]Erasure, error) {
	defer func() { _ = rows.Close() }()
	all := []Erasure{}
	for rows.Next() {
		var e Erasure
		var at int64
		if err := rows.Scan(&e.ID, &e.Tenant, &e.Dataset, &at); err != nil {
			return nil, err
		}
		e.At = time.UnixMicro(at).UTC()
		all = append(all, e)
	}
	return all, rows.Err()
}
