package job

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// forgotten is what records no longer say of files that were loaded: digests, names of
// columns that were ignored, and why a file was refused, which may quote it.
const forgotten = `sha256 = '', ignored = '[]',
	error = CASE WHEN error_code = 'load-rejected' THEN 'the file was refused; why is forgotten with it' ELSE error END`

// EndIn cancels the loads of a dataset that is deleted, in the transaction that deletes
// it, and forgets what records have of the files that were loaded. Those that run are stopped as by a suspension.
func (s *Service) EndIn(ctx context.Context, tx *sql.Tx, dataset string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE loads SET state = 'cancelled', finished_at = ?, error_code = ?, error = 'the dataset was deleted'
		WHERE dataset = ? AND state IN ('pending', 'running')`, s.o.Now().UnixMicro(), privacy.CodeConflict, dataset); err != nil {
		return privacy.Internal(err, "cancelling loads")
	}
	if _, err := tx.ExecContext(ctx, `UPDATE loads SET `+forgotten+` WHERE dataset = ?`, dataset); err != nil {
		return privacy.Internal(err, "forgetting uploads")
	}
	return nil
}

// Meanwhile has Run call look several times a second, for as long as this process is the
// one that runs loads, whatever runs. It is called before Run, once.
func (s *Service) Meanwhile(look func(context.Context)) { s.look = look }

func (s *Service) lookAlways(ctx context.Context) {
	if s.look == nil {
		return
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

// RemoveUploads removes the uploads and the files of rejected rows of a tenant's loads
// into a dataset that was deleted. Those that are still being stopped remove their own.
func (s *Service) RemoveUploads(ctx context.Context, tenant, dataset string) error {
	found, err := find(ctx, s.o.DB, `tenant = ? AND dataset = ?`, tenant, dataset)
	if err != nil {
		return err
	}
	return s.removeUploads(found)
}

// removeUploads removes the uploads and the files of rejected rows of loads, so that no
// crash brings one back.
func (s *Service) removeUploads(of []record) error {
	dirs := map[string]bool{}
	for _, j := range of {
		for _, path := range []string{s.rejectsPath(j.Tenant, j.ID), s.spoolPath(j.ID)} {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return privacy.Internal(errors.Unwrap(err), "removing uploads")
			}
			dirs[filepath.Dir(path)] = true // an attempt before may not have come this far
		}
	}
	for dir := range dirs {
		if err := segment.SyncDir(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return privacy.Internal(errors.Unwrap(err), "removing uploads")
		}
	}
	return nil
}

// dropRejects removes the rejected rows of a load whose dataset was deleted while it ran.
func (s *Service) dropRejects(ctx context.Context, j record) {
	_, err := s.o.Catalog.Dataset(ctx, j.Dataset)
	if privacy.CodeOf(err) == privacy.CodeUnknownDataset {
		s.removeFile(s.rejectsPath(j.Tenant, j.ID))
	}
}
