package erase

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// removeAll takes away what there is of before the erasure, and ends it. Every step may
// be made again: a crash leaves the rest to the next attempt.
//
// Files go before their records, so that a crash leaves a record to try again with.
// Nothing else writes in the directory of the tenant's dataset meanwhile, so whatever
// is there and not of the current generation goes, known or not.
func (s *Service) removeAll(ctx context.Context, e record) error {
	old, err := s.o.Catalog.Replaced(ctx, e.Dataset, e.Tenant)
	if err != nil {
		return err
	}
	ids, err := s.removeFiles(ctx, e, old)
	if err != nil {
		return err
	}
	if err := s.o.Catalog.Forget(ctx, ids); err != nil {
		return err
	}
	if err := s.o.Jobs.ForgetUploads(ctx, e.Tenant, e.Dataset, e.afterLoad); err != nil {
		return err
	}
	if s.o.Copies != nil {
		// To go back to one would not bring the files back that are gone.
		if err := s.o.Copies(); err != nil {
			return privacy.Internal(err, "removing copies of the control store")
		}
	}
	// Only now is what was deleted on no page and in no log of the store.
	if err := s.o.DB.Scrub(ctx); err != nil {
		return err
	}
	return s.o.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		return swap(ctx, tx, `UPDATE erasures SET state = 'succeeded', finished_at = ? WHERE id = ? AND state = 'running'`, s.o.Now().UnixMicro(), e.ID)
	})
}

// removeFiles removes the files of replaced segments, and what else is not of the
// current generation. Whoever has one open keeps what it has; the engine is told to let
// go of them.
func (s *Service) removeFiles(ctx context.Context, e record, old []catalog.Segment) (ids []string, err error) {
	head, _, err := s.o.Catalog.Head(ctx, e.Dataset, e.Tenant)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(s.absolute(segment.RelPath(e.Tenant, e.Dataset, "any")))
	current := map[string]bool{}
	for _, seg := range head.Segments {
		current[s.absolute(seg.Path)] = true
	}
	var paths []string
	for _, seg := range old {
		ids, paths = append(ids, seg.ID), append(paths, s.absolute(seg.Path))
	}
	there, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, privacy.Internal(err, "listing files")
	}
	for _, entry := range there {
		path := filepath.Join(dir, entry.Name())
		// Files of rejected rows, of other datasets too, lie beside those of a dataset
		// that is called so.
		if !entry.IsDir() && !current[path] && strings.Contains(entry.Name(), segment.Extension) {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		if err := remove(path); err != nil {
			return nil, err
		}
	}
	if s.o.Removed != nil && len(paths) > 0 {
		s.o.Removed(paths...)
	}
	if len(there) == 0 {
		return ids, nil
	}
	if err := segment.SyncDir(dir); err != nil {
		return nil, privacy.Internal(err, "removing files")
	}
	return ids, nil
}
