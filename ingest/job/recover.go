package job

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/noised/noised/ingest/spool"
	"github.com/noised/noised/privacy"
)

// recover puts right what a process that died may have left: interrupted
// loads, unpublished segment files, those of merges among them, scratch files and uploads without a load.
// The caller holds the writer lock, so nothing is running.
func (s *Service) recover(ctx context.Context) error {
	if err := s.emptyWorkRoot(); err != nil {
		return privacy.Internal(err, "removing scratch files")
	}
	s.dropNaming()
	if err := s.dropUnpublished(ctx); err != nil {
		return err
	}
	if err := s.merges.Recover(ctx); err != nil {
		return err
	}
	if s.alone != nil {
		if err := s.alone.Recover(ctx); err != nil {
			return err
		}
	}
	open, err := find(ctx, s.o.DB, `state IN ('pending', 'running') ORDER BY seq`)
	if err != nil {
		return err
	}
	for _, j := range open {
		if serves, err := s.region.Serves(ctx, j.Tenant); err != nil {
			return err
		} else if !serves {
			continue
		}
		if err := s.resume(ctx, j); err != nil && !errors.Is(err, errOvertaken) {
			return err
		}
	}
	err = spool.Leftovers(s.spoolDir(), func(id string) (bool, error) {
		found, err := find(ctx, s.o.DB, `id = ? AND state IN ('pending', 'running')`, id)
		return len(found) > 0, err
	})
	if err != nil {
		return privacy.Internal(err, "removing old uploads")
	}
	return nil
}

func (s *Service) emptyWorkRoot() error {
	entries, err := os.ReadDir(s.workRoot())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(s.workRoot(), e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// dropUnpublished removes the segment files of attempts that did not get as
// far as publishing them. Publishing clears the note of the file's name in the
// transaction that makes it visible.
func (s *Service) dropUnpublished(ctx context.Context) error {
	found, err := find(ctx, s.o.DB, `segment IS NOT NULL AND state <> 'succeeded'`)
	if err != nil {
		return err
	}
	for _, j := range found {
		if serves, err := s.region.Serves(ctx, j.Tenant); err != nil {
			return err
		} else if !serves {
			continue
		}
		s.removeFile(s.segmentPath(j))
		s.dropRejects(ctx, j) // it may have died before it did
		err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return swap(ctx, tx, `UPDATE loads SET segment = NULL WHERE id = ? AND segment = ?`, j.ID, j.segment)
		})
		if err != nil && !errors.Is(err, errOvertaken) {
			return err
		}
	}
	return nil
}

// resume decides what becomes of a load that was waiting or interrupted.
func (s *Service) resume(ctx context.Context, j record) error {
	info, err := os.Stat(s.spoolPath(j.ID))
	intact := err == nil && intact(info, j.Bytes)
	if j.State == StatePending && intact {
		return nil
	}
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if intact && j.attempts < MaxAttempts {
			return swap(ctx, tx, `UPDATE loads SET state = 'pending', rows_read = 0 WHERE id = ? AND state = 'running' AND attempts = ?`, j.ID, j.attempts)
		}
		message := "the upload was lost when the server stopped; send it again"
		if intact {
			message = "the server stopped three times while it ran this load; send it again, in smaller files if it is large"
		}
		return swap(ctx, tx, `UPDATE loads SET state = 'failed', error_code = ?, error = ?, finished_at = ? WHERE id = ? AND state = ? AND attempts = ?`,
			privacy.CodeUnavailable, message, s.o.Now().UnixMicro(), j.ID, j.State, j.attempts)
	})
}
