package retire

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// Sweep removes what is left of datasets that were deleted. What it cannot do now it
// does the next time; every step may be made again. Where there is nothing to do it
// costs a look at the control store.
func (s *Service) Sweep(ctx context.Context) {
	datasets, err := s.o.Catalog.ToSweep(ctx)
	if err != nil {
		s.failed(ctx, "", err)
		return
	}
	for _, dataset := range datasets {
		if s.done[dataset] {
			continue // what is left is for a server of another region
		}
		all, err := s.sweep(ctx, dataset)
		if err != nil {
			s.failed(ctx, dataset, err)
			continue
		}
		s.done[dataset] = true
		s.o.Log.Info("a deleted dataset was swept", "dataset", dataset, "all", all)
	}
}

func (s *Service) failed(ctx context.Context, dataset string, err error) {
	if ctx.Err() == nil {
		s.o.Log.Warn("files of a deleted dataset could not be removed; it is tried again", "dataset", dataset, "cause", err)
	}
}

// sweep removes what one dataset left of tenants that are served here, and reports
// whether these are all.
func (s *Service) sweep(ctx context.Context, dataset string) (all bool, err error) {
	tenants, err := s.o.Catalog.HadData(ctx, dataset)
	if err != nil {
		return false, err
	}
	all = true
	for _, tenant := range tenants {
		old, err := s.o.Catalog.Replaced(ctx, dataset, tenant)
		if err != nil {
			return false, err
		}
		if serves, err := s.serves(ctx, tenant, old); err != nil {
			return false, err
		} else if !serves {
			all = false
			continue
		}
		if err := s.clear(ctx, tenant, dataset, old); err != nil {
			return false, err
		}
	}
	if s.o.Copies != nil {
		if err := s.o.Copies(); err != nil {
			return false, privacy.Internal(err, "removing copies of the control store")
		}
	}
	// Only now is what was deleted on no page and in no log of the store.
	if err := s.o.DB.Scrub(ctx); err != nil || !all {
		return false, err
	}
	return true, s.o.Catalog.Swept(ctx, dataset)
}

// serves reports whether a tenant's files may be here. Those of public tables have no
// region; those of a tenant that is no more have the one that it had.
func (s *Service) serves(ctx context.Context, tenant string, old []catalog.Segment) (bool, error) {
	if tenant == catalog.Public || s.o.Regions.All() {
		return true, nil
	}
	t, err := s.o.Catalog.Tenant(ctx, tenant)
	if privacy.CodeOf(err) == privacy.CodeNotFound {
		return !slices.ContainsFunc(old, func(seg catalog.Segment) bool { return !s.o.Regions.Serve(seg.Region) }), nil
	}
	return err == nil && s.o.Regions.Serve(t.Region), err
}

// clear removes a tenant's files of a dataset, and then the records of its segments.
// Whoever has a file open keeps what it has; the engine is told to let go of it.
func (s *Service) clear(ctx context.Context, tenant, dataset string, old []catalog.Segment) error {
	dir := filepath.Dir(filepath.Join(s.o.Dir, filepath.FromSlash(segment.RelPath(tenant, dataset, "any"))))
	there, err := os.ReadDir(dir)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return privacy.Internal(err, "listing files")
	}
	var paths []string
	for _, entry := range there {
		// Files of rejected rows lie beside those of a dataset that is called so.
		if !entry.IsDir() && strings.Contains(entry.Name(), segment.Extension) {
			paths = append(paths, filepath.Join(dir, entry.Name()))
		}
	}
	if !missing {
		if err := s.remove(dir, paths); err != nil {
			return err
		}
	}
	if err := s.o.Loads.RemoveUploads(ctx, tenant, dataset); err != nil {
		return err
	}
	ids := make([]string, len(old))
	for i, seg := range old {
		ids[i] = seg.ID
	}
	return s.o.Catalog.Forget(ctx, ids)
}

// remove removes files of one directory, so that they are gone after a crash too: also
// those that a sweep before it removed and did not live to make sure of.
func (s *Service) remove(dir string, paths []string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return privacy.Internal(err, "removing a file")
		}
	}
	if s.o.Removed != nil && len(paths) > 0 {
		s.o.Removed(paths...)
	}
	if err := segment.SyncDir(dir); err != nil {
		return privacy.Internal(err, "removing files")
	}
	_ = os.Remove(dir) // unless there is something else
	return nil
}
