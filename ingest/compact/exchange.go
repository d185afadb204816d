package compact

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// exchange publishes a merged file in place of the segments that it has the rows
// of.
func (s *Service) exchange(ctx context.Context, t catalog.Scattered, file string, into catalog.Segment) error {
	// From here on it is short, and goes on when the server is asked to stop.
	ctx = context.WithoutCancel(ctx)
	err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return change(ctx, tx, `INSERT INTO compactions (segment, path) VALUES (?, ?)`, into.ID, into.Path)
	})
	if err != nil {
		return err
	}
	sealed, err := segment.Publish(ctx, file, s.absolute(into.Path))
	if err != nil {
		return s.drop(ctx, privacy.Internal(err, "publishing a segment"))
	}
	into.Bytes, into.SHA256 = sealed.Bytes, sealed.SHA256
	err = s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := change(ctx, tx, `DELETE FROM compactions WHERE segment = ?`, into.ID); err != nil {
			return err
		}
		return s.o.Catalog.Compact(ctx, tx, t, into)
	})
	if err != nil {
		return s.drop(ctx, err)
	}
	return nil
}

// drop removes merged files that were not published, for the given reason.
// A commit that was reported as failed may have happened: the record tells.
func (s *Service) drop(ctx context.Context, reason error) error {
	rows, err := s.o.DB.QueryContext(ctx, `SELECT segment, path FROM compactions`)
	if err != nil {
		return privacy.Internal(err, "reading merges")
	}
	defer rows.Close()
	left := map[string]string{}
	for rows.Next() {
		var id, path string
		if err := rows.Scan(&id, &path); err != nil {
			return privacy.Internal(err, "reading merges")
		}
		if serves, err := s.o.Region.ServesFile(ctx, path); err != nil {
			return err
		} else if serves {
			left[id] = path
		}
	}
	if err := rows.Err(); err != nil {
		return privacy.Internal(err, "reading merges")
	}
	for id, path := range left {
		if err := os.Remove(s.absolute(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.o.Log.Warn("a file could not be removed", "cause", errors.Unwrap(err))
		}
		err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return change(ctx, tx, `DELETE FROM compactions WHERE segment = ?`, id)
		})
		if err != nil {
			return err
		}
	}
	return reason
}

// change makes a change of exactly one row.
func change(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
	res, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return privacy.Internal(err, "recording a merge")
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return privacy.Internal(errors.Join(err, errChanged), "recording a merge")
	}
	return nil
}

var errChanged = errors.New("the record of a merge was changed by another")

func (s *Service) absolute(path string) string {
	return filepath.Join(s.o.Dir, filepath.FromSlash(path))
}
