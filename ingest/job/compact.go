package job

import (
	"context"
	"database/sql"
	"path/filepath"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// Compaction.
//
// Every segment is one more file to open and to merge by unit. So a table that
// loads have added to is merged into one segment once it has rested.
//
// Nobody can tell by an answer when that happens: rows keep their ranks, which go
// on from load to load, and each unit's rows their order, so that every way of
// bounding keeps the same rows before and after. A table that has a segment
// without ranks is left as it is: to rank its rows would change how queries are
// bounded, at a moment that depends on how long a merge takes, and so on rows.
//
// Where files are encrypted, a table of one plain file is written anew in the same
// way.
//
// A table is merged at most once in compactRests times its rest, so that small
// loads in a row do not each cost a merge of everything.

// compactRests is the number of rests between two merges of one table.
const compactRests = 10

// table names a table of a tenant.
type table struct{ dataset, tenant, name string }

// startCompaction merges one table that has rested, if there is one, and calls
// done in the end. It reports whether it began. It is called by the goroutine
// that claims loads, so that no load of the tenant into the dataset begins in
// between; those that come wait.
func (s *Service) startCompaction(ctx context.Context, done func(), run func(func())) bool {
	t, ok, err := s.nextScattered(ctx)
	if err != nil && ctx.Err() == nil {
		s.o.Log.Error("tables to merge cannot be found", "cause", err)
	}
	if !ok {
		return false
	}
	s.compacted[table{t.Dataset, t.Tenant, t.Table}] = s.o.Now()
	s.mu.Lock()
	s.compacting = &t
	s.mu.Unlock()
	run(func() {
		defer done()
		defer func() {
			s.mu.Lock()
			s.compacting = nil
			s.mu.Unlock()
		}()
		if err := s.compact(ctx, t); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("a table could not be merged; it is read as it is", "tenant", t.Tenant, "dataset", t.Dataset, "table", t.Table, "cause", err)
		}
	})
	return true
}

// nextScattered returns a table to merge that no load is waiting for.
func (s *Service) nextScattered(ctx context.Context) (catalog.Scattered, bool, error) {
	if s.merging().Generation != "" || s.o.CompactAfter < 0 {
		return catalog.Scattered{}, false, nil
	}
	now := s.o.Now()
	found, err := s.o.Catalog.Scattered(ctx, now.Add(-s.o.CompactAfter), s.o.Keys.On() && s.o.CryptoExtension != "")
	if err != nil {
		return catalog.Scattered{}, false, err
	}
	for _, t := range found {
		if !s.o.Regions.Serve(t.Region) {
			continue
		}
		if last, ok := s.compacted[table{t.Dataset, t.Tenant, t.Table}]; ok && now.Sub(last) < compactRests*s.o.CompactAfter {
			continue
		}
		loads, err := find(ctx, s.o.DB, `state IN ('pending', 'running') AND tenant = ? AND dataset = ? LIMIT 1`, t.Tenant, t.Dataset)
		if err != nil {
			return catalog.Scattered{}, false, err
		}
		waits, err := s.waits(ctx, t)
		if err != nil {
			return catalog.Scattered{}, false, err
		}
		if len(loads) == 0 && !waits {
			return t, true, nil
		}
	}
	return catalog.Scattered{}, false, nil
}

// merging is the table that is being merged; the zero value, which no load is
// for, when there is none.
func (s *Service) merging() catalog.Scattered {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.compacting == nil {
		return catalog.Scattered{}
	}
	return *s.compacting
}

// compact merges a table. The name of the file is on record before there is one.
func (s *Service) compact(ctx context.Context, t catalog.Scattered) error {
	g, _, err := s.o.Catalog.Head(ctx, t.Dataset, t.Tenant)
	if err != nil {
		return err
	}
	t.Segments = g.Of(t.Table)
	c, err := s.o.Catalog.Contract(ctx, t.Dataset, t.Version)
	if err != nil {
		return err
	}
	id := privacy.NewID("seg")
	j := record{Load: Load{ID: id, Tenant: t.Tenant, Dataset: t.Dataset, Table: t.Table}, segment: id}
	dir := filepath.Join(s.workRoot(), id)
	defer s.removeAll(dir)
	spec, err := s.orders.Merge(ctx, j.into(), c, dir, t.Segments)
	if err != nil {
		return err
	}
	result, err := s.work(ctx, j, spec, false)
	if err != nil {
		return err
	}
	into := catalog.Segment{ID: id, Table: t.Table, Path: segment.RelPath(t.Tenant, t.Dataset, id), Rows: result.RowsStored, Ranks: spec.Meta.Ranks, Codes: spec.Meta.Digests()}
	for _, old := range t.Segments {
		into.Appended += old.Appended
	}
	if err := s.exchange(ctx, t, j, filepath.Join(dir, build.SegmentFile), into); err != nil {
		return err
	}
	s.o.Log.Info("table merged", "tenant", t.Tenant, "dataset", t.Dataset, "segments", len(t.Segments))
	return nil
}

// exchange publishes a merged file in place of the segments that it has the rows
// of.
func (s *Service) exchange(ctx context.Context, t catalog.Scattered, j record, file string, into catalog.Segment) error {
	// From here on it is short, and goes on when the server is asked to stop.
	ctx = context.WithoutCancel(ctx)
	err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return swap(ctx, tx, `INSERT INTO compactions (segment, path) VALUES (?, ?)`, into.ID, into.Path)
	})
	if err != nil {
		return err
	}
	sealed, err := s.seal(ctx, file, j)
	if err != nil {
		return s.dropMerged(ctx, err)
	}
	into.Bytes, into.SHA256 = sealed.Bytes, sealed.SHA256
	err = s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := swap(ctx, tx, `DELETE FROM compactions WHERE segment = ?`, into.ID); err != nil {
			return err
		}
		return s.o.Catalog.Compact(ctx, tx, t, into)
	})
	if err != nil {
		return s.dropMerged(ctx, err)
	}
	return nil
}

// dropMerged removes merged files that were not published, for the given reason.
// A commit that was reported as failed may have happened: the record tells.
func (s *Service) dropMerged(ctx context.Context, reason error) error {
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
		if serves, err := s.servesFile(ctx, path); err != nil {
			return err
		} else if serves {
			left[id] = path
		}
	}
	if err := rows.Err(); err != nil {
		return privacy.Internal(err, "reading merges")
	}
	for id, path := range left {
		s.removeFile(s.absolute(path))
		err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return swap(ctx, tx, `DELETE FROM compactions WHERE segment = ?`, id)
		})
		if err != nil {
			return err
		}
	}
	return reason
}
