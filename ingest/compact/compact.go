// Package compact merges the segments of tables that have rested.
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
//
// # What a crash leaves
//
// The old segments or the new one. The name of a merged file is on record before there
// is one, and the transaction that publishes it forgets the name, so that a file that
// was never published is found and removed: see [Service.Recover].
package compact

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/order"
	"github.com/noised/noised/ingest/region"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// rests is the number of rests between two merges of one table.
const rests = 10

// Options configure a Service. All are required.
type Options struct {
	DB         *controldb.DB
	Catalog    *catalog.Catalog
	Orders     *order.Maker
	Workers    *child.Runner
	Region     region.Gate
	Dir        string        // the data directory, absolute
	Scratch    string        // where orders have their directories
	After      time.Duration // how long a table rests before it is merged; negative for never
	Encrypting bool          // tables of one plain file are written anew
	Log        *slog.Logger
	Now        func() time.Time
}

// Service merges tables, one at a time.
type Service struct {
	o    Options
	last map[order.Table]time.Time // when tables were last merged, in this process; of the goroutine that calls Start

	mu  sync.Mutex
	now *catalog.Scattered // the table that is being merged, in this process
}

// New returns the service of a data directory.
func New(o Options) *Service { return &Service{o: o, last: map[order.Table]time.Time{}} }

func of(t catalog.Scattered) order.Table {
	return order.Table{Tenant: t.Tenant, Dataset: t.Dataset, Name: t.Table}
}

// Start merges one table that has rested, if there is one, and calls done in the end.
// It reports whether it began. It is called by the goroutine that claims loads, so that
// no load of the tenant into the dataset begins in between; those that come wait for
// what Merging says.
func (s *Service) Start(ctx context.Context, done func(), run func(func())) bool {
	t, ok, err := s.next(ctx)
	if err != nil && ctx.Err() == nil {
		s.o.Log.Error("tables to merge cannot be found", "cause", err)
	}
	if !ok {
		return false
	}
	s.last[of(t)] = s.o.Now()
	s.set(&t)
	run(func() {
		defer done()
		defer s.set(nil)
		if err := s.merge(ctx, t); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("a table could not be merged; it is read as it is", "tenant", t.Tenant, "dataset", t.Dataset, "table", t.Table, "cause", err)
		}
	})
	return true
}

func (s *Service) set(t *catalog.Scattered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = t
}

// Merging is the table that is being merged; the zero value, which no load is
// for, when there is none.
func (s *Service) Merging() catalog.Scattered {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return catalog.Scattered{}
	}
	return *s.now
}

// Recover removes merged files that a process left which died before it published
// them. The caller holds the writer lock.
func (s *Service) Recover(ctx context.Context) error { return s.drop(ctx, nil) }

// next returns a table to merge that no load is waiting for.
func (s *Service) next(ctx context.Context) (catalog.Scattered, bool, error) {
	if s.Merging().Generation != "" || s.o.After < 0 {
		return catalog.Scattered{}, false, nil
	}
	now := s.o.Now()
	found, err := s.o.Catalog.Scattered(ctx, now.Add(-s.o.After), s.o.Encrypting)
	if err != nil {
		return catalog.Scattered{}, false, err
	}
	for _, t := range found {
		if !s.o.Region.Regions.Serve(t.Region) {
			continue
		}
		if last, ok := s.last[of(t)]; ok && now.Sub(last) < rests*s.o.After {
			continue
		}
		waits, err := s.waits(ctx, t)
		if err != nil {
			return catalog.Scattered{}, false, err
		}
		if !waits {
			return t, true, nil
		}
	}
	return catalog.Scattered{}, false, nil
}

// waits reports whether a load waits for a table's data, or runs, or an erasure.
func (s *Service) waits(ctx context.Context, t catalog.Scattered) (waits bool, err error) {
	err = s.o.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM loads WHERE state IN ('pending', 'running') AND tenant = ?1 AND dataset = ?2)
		OR EXISTS (SELECT 1 FROM erasures WHERE state IN ('pending', 'running') AND tenant = ?1 AND dataset = ?2)`, t.Tenant, t.Dataset).Scan(&waits)
	if err != nil {
		return false, privacy.Internal(err, "looking for loads and erasures")
	}
	return waits, nil
}

// merge merges a table.
func (s *Service) merge(ctx context.Context, t catalog.Scattered) error {
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
	dir := filepath.Join(s.o.Scratch, id)
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			s.o.Log.Warn("scratch files could not be removed", "cause", errors.Unwrap(err))
		}
	}()
	spec, err := s.o.Orders.Merge(ctx, of(t), c, dir, t.Segments)
	if err != nil {
		return err
	}
	if spec.Encryption, err = s.o.Orders.Encryption(ctx, t.Tenant, id, spec); err != nil {
		return err
	}
	var seen atomic.Int64
	result, err := s.o.Workers.Run(ctx, id, spec, &seen)
	if err != nil {
		return err
	}
	into := catalog.Segment{ID: id, Table: t.Table, Path: segment.RelPath(t.Tenant, t.Dataset, id), Rows: result.RowsStored, Ranks: spec.Meta.Ranks, Codes: spec.Meta.Digests()}
	for _, old := range t.Segments {
		into.Appended += old.Appended
	}
	if err := s.exchange(ctx, t, filepath.Join(dir, build.SegmentFile), into); err != nil {
		return err
	}
	s.o.Log.Info("table merged", "tenant", t.Tenant, "dataset", t.Dataset, "segments", len(t.Segments))
	return nil
}
