package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy/controldb/schema"
)

// Verify reads everything that a snapshot needs and checks it: every file against its
// digest, the control store with SQLite's own check, and its log by hashing every
// entry again. It writes the control store to a scratch directory and removes it.
func (r *Repository) Verify(ctx context.Context, s *Snapshot, scratch string) (err error) {
	dir, err := os.MkdirTemp(scratch, "noised-verify-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	control := filepath.Join(dir, controlFile)
	if err := r.bring(ctx, s.Control, control, 0o600); err != nil {
		return fmt.Errorf("the control store of snapshot %d: %w", s.Number, err)
	}
	if err := checkControl(ctx, control, s); err != nil {
		return fmt.Errorf("snapshot %d: %w", s.Number, err)
	}
	for _, f := range s.Files {
		if err := r.read(ctx, f.Copied, io.Discard); err != nil {
			return fmt.Errorf("snapshot %d: the file %s: %w", s.Number, f.Path, err)
		}
	}
	return nil
}

// checkControl holds a control store to what its snapshot says of it.
func checkControl(ctx context.Context, path string, s *Snapshot) (err error) {
	db, err := schema.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	found := &Snapshot{}
	if err := identify(ctx, db, found); err != nil {
		return err
	}
	if found.Store != s.Store || found.Log != s.Log {
		return errors.New("the control store is not the one that the snapshot was taken of")
	}
	if _, err := CheckStore(ctx, db); err != nil {
		return err
	}
	files, err := segments(ctx, db)
	if err != nil {
		return err
	}
	return complete(files, s)
}

// CheckStore returns how far a copy of a control store has come, and an error unless
// SQLite finds it whole and its log's entries hash to its root.
func CheckStore(ctx context.Context, db *sql.DB) (Log, error) {
	s := &Snapshot{}
	if err := schema.Check(ctx, db); err != nil {
		return s.Log, err
	}
	if err := identify(ctx, db, s); err != nil {
		return s.Log, err
	}
	size, root, err := hashLog(ctx, db)
	if err == nil && (size != s.Log.Size || root.String() != s.Log.Root) {
		err = errors.New("the log does not verify: its entries do not hash to its root")
	}
	return s.Log, err
}

// complete returns an error unless the snapshot has every file that is in force.
func complete(files []wanted, s *Snapshot) error {
	has := map[string]string{}
	for _, f := range s.Files {
		has[f.Path] = f.SHA256
	}
	for _, w := range files {
		if w.needed && has[w.path] != w.sha256 {
			return fmt.Errorf("the file %s, which is in force, is not in it", w.path)
		}
	}
	return nil
}

// hashLog returns the size of a log and the root over its entries, hashed anew.
func hashLog(ctx context.Context, db *sql.DB) (size int64, root tlog.Hash, err error) {
	rows, err := db.QueryContext(ctx, `SELECT leaf FROM log_leaves ORDER BY idx`)
	if err != nil {
		return 0, root, fmt.Errorf("reading the log: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var whole []tlog.Hash // roots of whole subtrees, the largest first
	for rows.Next() {
		var leaf sql.RawBytes
		if err := rows.Scan(&leaf); err != nil {
			return 0, root, fmt.Errorf("reading the log: %w", err)
		}
		h := tlog.RecordHash(leaf)
		for n := size; n%2 == 1; n /= 2 {
			h = tlog.NodeHash(whole[len(whole)-1], h)
			whole = whole[:len(whole)-1]
		}
		whole, size = append(whole, h), size+1
	}
	if err := rows.Err(); err != nil {
		return 0, root, fmt.Errorf("reading the log: %w", err)
	}
	for i := len(whole) - 1; i >= 0; i-- {
		if i == len(whole)-1 {
			root = whole[i]
		} else {
			root = tlog.NodeHash(whole[i], root)
		}
	}
	if size == 0 {
		root, err = tlog.TreeHash(0, nil)
	}
	return size, root, err
}
