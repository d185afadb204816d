package job

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/ingest/hold"
)

// sweep removes files that nobody can need any more. What it cannot do now it
// does the next time.
//
// While a backup copies files, nothing is removed: see package hold.
func (s *Service) sweep(ctx context.Context) {
	release, free, err := hold.Try(s.o.Dir)
	if err != nil {
		s.o.Log.Warn("files cannot be removed", "cause", err)
		return
	}
	if !free {
		s.o.Log.Info("a backup is running; files that nobody needs are removed after it")
		return
	}
	defer release()
	if err := s.sweepSegments(ctx); err != nil && ctx.Err() == nil {
		s.o.Log.Warn("superseded segments could not be removed", "cause", err)
	}
	if err := s.sweepKeys(ctx); err != nil && ctx.Err() == nil {
		s.o.Log.Warn("keys of segments that were not published could not be forgotten", "cause", err)
	}
	if err := s.sweepUploadKeys(ctx); err != nil && ctx.Err() == nil {
		s.o.Log.Warn("keys of uploads that are gone could not be forgotten", "cause", err)
	}
	if err := s.sweepRejects(ctx); err != nil && ctx.Err() == nil {
		s.o.Log.Warn("reject files of former tenants could not be removed", "cause", err)
	}
}

// sweepSegments removes the files of segments that were replaced so long ago
// that no query reads them any more. The file goes before its record, so that
// a crash leaves a record to try again with.
func (s *Service) sweepSegments(ctx context.Context) error {
	old, err := s.o.Catalog.Superseded(ctx, s.o.Now().Add(-s.o.KeepReplaced))
	if err != nil {
		return err
	}
	var gone, paths []string
	for _, seg := range old {
		if !s.region.ServesSegment(seg) {
			continue
		}
		if err := os.Remove(s.absolute(seg.Path)); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.o.Log.Warn("a superseded segment could not be removed", "segment", seg.ID)
			continue
		}
		gone, paths = append(gone, seg.ID), append(paths, s.absolute(seg.Path))
	}
	if s.o.Removed != nil && len(paths) > 0 {
		s.o.Removed(paths...)
	}
	if err := s.o.Catalog.Forget(ctx, gone); err != nil || len(gone) == 0 || !s.o.Keys.On() {
		return err
	}
	return s.o.DB.Scrub(ctx) // the keys that went with them
}

// sweepRejects removes the reject files of tenants that were deleted: they
// hold those tenants' rows, and another tenant may get the name.
func (s *Service) sweepRejects(ctx context.Context) error {
	files, err := fs.Glob(os.DirFS(s.o.Dir), "tenants/*/rejects/*.ndjson")
	if err != nil {
		return err
	}
	for _, file := range files {
		tenant := strings.Split(file, "/")[1]
		if serves, err := s.region.ServesFile(ctx, file); err != nil {
			return err
		} else if !serves {
			continue
		}
		id := strings.TrimSuffix(filepath.Base(file), ".ndjson")
		found, err := find(ctx, s.o.DB, `id = ?`, id)
		if err != nil {
			return err
		}
		since, err := s.tenantSince(ctx, tenant)
		if err != nil && !isNotFound(err) {
			return err
		}
		if err != nil || len(found) == 0 || found[0].tenantSince != since {
			s.removeFile(s.absolute(file))
		}
	}
	return nil
}
