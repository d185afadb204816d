package erase

import (
	"context"
	"database/sql"
	"errors"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// errForm is why an erasure cannot know whose rows are meant.
var errForm = privacy.Errorf(privacy.CodeConflict, "the contract's privacy unit has changed since this was asked for: ask again")

// publish writes every segment of the current generation anew, without the units, and
// publishes the next one.
func (s *Service) publish(ctx context.Context, e *record) error {
	since, err := s.tenantSince(ctx, e.Tenant)
	switch {
	case privacy.CodeOf(err) == privacy.CodeNotFound, err == nil && since != e.tenantSince:
		return errGone
	case err != nil:
		return err
	}
	g, base, err := s.next(ctx, *e)
	if err != nil {
		return err
	}
	if err := s.dropUnpublished(ctx, e.ID); err != nil { // of an attempt before
		return err
	}
	for i, old := range g.Segments {
		id := privacy.NewID("seg")
		if err := s.note(ctx, *e, id); err != nil {
			return err
		}
		var rows int64
		if g.Segments[i], rows, err = s.o.Jobs.Without(ctx, e.Tenant, e.Dataset, old, id, e.units); err != nil {
			return err // what was written goes with the next attempt, or at the next start
		}
		e.RowsErased += rows
	}
	// From here on it is short, and goes on when the server is asked to stop.
	return s.commit(context.WithoutCancel(ctx), e, g, base)
}

// next is the generation to publish, still with the segments of the one that it is
// built on. Where a tenant has loaded nothing it is empty: an erasure publishes one all
// the same, so that nobody learns by it what there was.
func (s *Service) next(ctx context.Context, e record) (g catalog.Generation, base string, err error) {
	g, exists, err := s.o.Catalog.Head(ctx, e.Dataset, e.Tenant)
	if err != nil {
		return g, "", err
	}
	base = g.ID
	if !exists {
		d, err := s.o.Catalog.Dataset(ctx, e.Dataset)
		if err != nil {
			return g, "", err
		}
		g = catalog.Generation{Dataset: e.Dataset, Tenant: e.Tenant, Version: d.Contract.Version, FormatVersion: segment.FormatVersion}
		if m, ok := d.Member(e.Tenant); ok {
			g.Version = m.Version
		}
	}
	c, err := s.o.Catalog.Contract(ctx, e.Dataset, g.Version)
	if err != nil {
		return g, "", err
	}
	if !e.knowsForm(formOf(c)) {
		return g, "", errForm
	}
	g.Segments = append([]catalog.Segment(nil), g.Segments...)
	g.ID, g.Load, g.At = privacy.NewID("gen"), e.ID, s.o.Now().UTC()
	return g, base, nil
}

// note records the name of a file that is about to be written.
func (s *Service) note(ctx context.Context, e record, id string) error {
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return swap(ctx, tx, `INSERT INTO erasure_files (segment, erasure, path) VALUES (?, ?, ?)`, id, e.ID, segment.RelPath(e.Tenant, e.Dataset, id))
	})
}

// commit publishes. From then on what stood for the units is not needed.
func (s *Service) commit(ctx context.Context, e *record, g catalog.Generation, base string) error {
	err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.o.Containment.CheckIn(ctx, tx, touches(*e)); err != nil {
			return err
		}
		err := swap(ctx, tx, `UPDATE erasures SET units = NULL, rows_erased = ?, generation = ? WHERE id = ? AND state = 'running' AND generation IS NULL`,
			e.RowsErased, g.ID, e.ID)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM erasure_files WHERE erasure = ?`, e.ID); err != nil {
			return privacy.Internal(err, "publishing an erasure")
		}
		if err := s.o.Catalog.Erase(ctx, tx, g, base); err != nil {
			return err
		}
		return s.log(ctx, tx, *e, act{Act: "erase", Generation: g.ID})
	})
	if err == nil {
		e.Generation = g.ID
		return nil
	}
	// A commit that was reported as failed may have happened: the record tells.
	now, look := find(ctx, s.o.DB, `id = ?`, e.ID)
	if look != nil || len(now) == 0 {
		return errors.Join(err, look)
	}
	if e.Generation = now[0].Generation; e.Generation != "" {
		return nil
	}
	return err
}

// dropUnpublished removes the files that an erasure wrote and did not publish; of all,
// where none is named.
func (s *Service) dropUnpublished(ctx context.Context, erasure string) error {
	const doing = "removing unpublished files"
	rows, err := s.o.DB.QueryContext(ctx, `SELECT segment, path FROM erasure_files WHERE ?1 IN ('', erasure)`, erasure)
	if err != nil {
		return privacy.Internal(err, doing)
	}
	defer rows.Close()
	left := map[string]string{}
	for rows.Next() {
		var id, path string
		if err := rows.Scan(&id, &path); err != nil {
			return privacy.Internal(err, doing)
		}
		left[id] = path
	}
	if err := rows.Err(); err != nil {
		return privacy.Internal(err, doing)
	}
	for id, path := range left {
		if err := remove(s.absolute(path)); err != nil {
			return err
		}
		err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return swap(ctx, tx, `DELETE FROM erasure_files WHERE segment = ?`, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
