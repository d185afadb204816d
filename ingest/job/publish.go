package job

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// publishAttempts is how often a load is rebased on a generation that was
// published while it ran. Loads of one tenant and dataset take turns, so it
// happens only when something else replaces a generation.
const publishAttempts = 5

// publish makes the new segment part of the tenant's data: file first, then
// one transaction for the generation and the load's success.
func (s *Service) publish(ctx context.Context, j *record, c *contract.Contract, dir string) error {
	for try := 1; ; try++ {
		err := s.publishOn(ctx, j, c, dir)
		if err == nil || try == publishAttempts || privacy.CodeOf(err) != privacy.CodeConflict {
			return err
		}
	}
}

// publishOn builds on the generation that is current now.
func (s *Service) publishOn(ctx context.Context, j *record, c *contract.Contract, dir string) error {
	current, err := s.o.Catalog.CurrentUnder(ctx, c, []string{j.Tenant})
	if err != nil {
		return err
	}
	base := current[j.Tenant] // the zero value when there is none
	if !j.basis.Stays(base, c, j.Table, j.Write == WriteReplace) {
		return errBasisChanged
	}
	file, kept := filepath.Join(dir, build.SegmentFile), carried(base, c, *j)
	made := catalog.Segment{
		ID: j.segment, Table: j.Table, Path: segment.RelPath(j.Tenant, j.Dataset, j.segment), Rows: j.stored, Ranks: j.basis.Ranks, Codes: j.basis.Codes,
	}
	switch own := base.Of(j.Table); {
	case j.Write == WriteReplace:
		kept = without(kept, j.Table)
	case loadsOf(own)+1 < MergeAt:
		made.Appended = min(loadsOf(own), 1)
	default:
		spec, n, err := s.merge(ctx, *j, c, dir, own)
		if err != nil {
			return err
		}
		file, kept = filepath.Join(spec.Dir, build.SegmentFile), without(kept, j.Table)
		made.Rows, made.Ranks, made.Codes = n, spec.Meta.Ranks, spec.Meta.Digests()
	}
	sealed, err := s.seal(ctx, file, *j)
	if err != nil {
		return err
	}
	made.Bytes, made.SHA256 = sealed.Bytes, sealed.SHA256
	g := catalog.Generation{
		ID: privacy.NewID("gen"), Dataset: j.Dataset, Tenant: j.Tenant, Version: c.Version, FormatVersion: segment.FormatVersion,
		Segments: append(kept, made), Load: j.ID, At: s.o.Now().UTC(),
	}
	j.Generation = g.ID
	err = s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.o.Containment.CheckIn(ctx, tx, touches(*j)); err != nil {
			return err
		}
		if err := finish(ctx, tx, *j, g.At); err != nil {
			return err
		}
		if err := s.resides(ctx, tx, *j); err != nil {
			return err
		}
		before, _, err := s.o.Catalog.Stored(ctx, tx, j.Tenant)
		if err != nil {
			return err
		}
		if err := s.o.Catalog.Publish(ctx, tx, g, base.ID); err != nil {
			return err
		}
		return s.fits(ctx, tx, j.Tenant, before)
	})
	if privacy.CodeOf(err) == privacy.CodeConflict {
		// The next try may need the new rows again, as they are or to merge.
		if back := os.Rename(s.segmentPath(*j), file); back != nil {
			return privacy.Internal(back, "taking a segment back")
		}
	}
	return err
}

// carried returns the segments of a generation that the next one may keep: those
// of tables that the contract still declares.
func carried(g catalog.Generation, c *contract.Contract, j record) []catalog.Segment {
	var kept []catalog.Segment
	for _, seg := range g.Segments {
		if table, ok := c.Table(seg.Table); ok && table.Public == (j.Tenant == catalog.Public) {
			kept = append(kept, seg)
		}
	}
	return kept
}

// loadsOf returns how many loads, since all rows were last ranked at once, made
// the segments of a table. It is the same before and after a compaction.
func loadsOf(own []catalog.Segment) int {
	apart := 0
	for _, s := range own {
		apart += s.Appended
	}
	if len(own) > 0 {
		apart++
	}
	return max(apart, len(own))
}

// without returns the segments of all tables but one.
func without(segments []catalog.Segment, table string) []catalog.Segment {
	var others []catalog.Segment
	for _, seg := range segments {
		if seg.Table != table {
			others = append(others, seg)
		}
	}
	return others
}

// seal gives the finished file its final name.
func (s *Service) seal(ctx context.Context, file string, j record) (segment.Sealed, error) {
	sealed, err := segment.Publish(ctx, file, s.segmentPath(j))
	if err != nil {
		if ctx.Err() != nil {
			return segment.Sealed{}, context.Cause(ctx)
		}
		return segment.Sealed{}, privacy.Internal(err, "publishing a segment")
	}
	return sealed, nil
}

// merge writes one file with the rows of the given segments and the new one, which
// it ranks anew: a load may, for the number of loads decides.
func (s *Service) merge(ctx context.Context, j record, c *contract.Contract, dir string, old []catalog.Segment) (spec build.Spec, rows int64, err error) {
	into := filepath.Join(dir, "merge-"+privacy.NewID("m"))
	spec, err = s.orders.Anew(ctx, j.into(), c, into, old, filepath.Join(dir, build.SegmentFile))
	if err != nil {
		return spec, 0, err
	}
	result, err := s.work(ctx, j, spec, false)
	return spec, result.RowsStored, err
}
