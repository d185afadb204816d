package job

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// SealPlain seals what records of loads from before there were keys have of files, at
// most so many, and returns how many it sealed. It must run in a transaction.
func (s *Service) SealPlain(ctx context.Context, tx *sql.Tx, most int) (n int, err error) {
	found, err := find(ctx, tx, `(sha256 <> '' AND substr(sha256, 1, 3) <> 'k1:' OR ignored <> '[]' AND substr(ignored, 1, 1) = '[') ORDER BY seq LIMIT ?`, most)
	if err != nil {
		return 0, err
	}
	for _, j := range found {
		if j.sha256 != "" && !keyring.IsDigest(j.sha256) {
			if j.sha256, err = s.digest(ctx, tx, j, j.sha256); err != nil {
				return n, err
			}
		}
		if !keyring.SealedText(j.ignored) && j.ignored != "[]" {
			if j.ignored, err = s.o.Keys.SealTextIn(ctx, tx, recordScope(j), j.ignored); err != nil {
				return n, err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE loads SET sha256 = ?, ignored = ? WHERE id = ?`, j.sha256, j.ignored, j.ID); err != nil {
			return n, privacy.Internal(err, "sealing loads")
		}
		n++
	}
	return n, nil
}

// SealRejects seals the files of rejected rows from before there were keys, and
// returns how many it sealed. Those of tenants that are gone are left to the sweep.
func (s *Service) SealRejects(ctx context.Context) (n int, err error) {
	files, err := fs.Glob(os.DirFS(s.o.Dir), "tenants/*/rejects/*.ndjson")
	if err != nil {
		return 0, privacy.Internal(err, "looking for reject files")
	}
	for _, file := range files {
		j := record{Load: Load{Tenant: strings.Split(file, "/")[1], ID: strings.TrimSuffix(filepath.Base(file), ".ndjson")}}
		found, err := find(ctx, s.o.DB, `id = ? AND tenant = ?`, j.ID, j.Tenant)
		if err != nil {
			return n, err
		}
		if len(found) == 0 {
			continue
		}
		sealed, err := s.sealRejects(ctx, j)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, privacy.Internal(err, "sealing a reject file")
		}
		if sealed {
			n++
		}
	}
	return n, nil
}

// sealRejects puts a sealed file in the place of a plain one.
func (s *Service) sealRejects(ctx context.Context, j record) (done bool, err error) {
	path := s.rejectsPath(j.Tenant, j.ID)
	plain, err := os.ReadFile(path)
	if err != nil || keyring.Sealed(plain) {
		return false, err
	}
	f, err := os.CreateTemp(s.workRoot(), "rejects-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(f.Name()); _ = f.Close() }()
	w, err := s.o.Keys.SealFile(ctx, rejectsScope(j), f)
	if err != nil {
		return false, err
	}
	if _, err := io.Copy(w, bytes.NewReader(plain)); err != nil {
		return false, err
	}
	if err := errors.Join(w.Close(), f.Sync()); err != nil {
		return false, err
	}
	return true, segment.Rename(f.Name(), path)
}
