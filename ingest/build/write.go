package build

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// The names under which the scratch file and the new segment are attached.
const (
	stageDB   = "stage"
	segmentDB = "segment"
)

// unitCap is the number of rows of one unit that a segment may hold.
func (t *task) unitCap() int64 {
	if t.spec.MaxRows > 0 {
		return min(t.spec.MaxRows, MaxUnitRows)
	}
	return MaxUnitRows
}

// writeSegment moves the good rows to the segment, sorted and ranked. Rows that
// their unit has too many of are left out.
func (t *task) writeSegment(ctx context.Context, d *duck.DB) error {
	err := t.fill(ctx, d, func() error {
		if t.spec.Meta.Public {
			return t.insert(ctx, d, "SELECT "+strings.Join(t.kept(), ", ")+" FROM ("+t.good()+")")
		}
		return t.rankGood(ctx, d)
	})
	if err != nil {
		return err
	}
	if t.result.RowsStored != t.owned-t.excess {
		return errors.New("rows were lost")
	}
	t.result.RowsLoaded = t.result.RowsRead - t.result.RowsRejected
	return nil
}

// withUnit puts the pseudonym before the columns of a table that has one.
func (t *task) withUnit(columns []string) []string {
	if t.spec.Meta.Public {
		return columns
	}
	return append([]string{segment.UnitColumn}, columns...)
}

// fill creates the segment file with the rows that write puts there.
func (t *task) fill(ctx context.Context, d *duck.DB, write func() error) error {
	if err := d.Attach(ctx, filepath.Join(t.spec.Dir, SegmentFile), segmentDB, false); err != nil {
		return err
	}
	create, err := segment.CreateSQL(segmentDB, t.spec.Meta, t.spec.Columns)
	if err != nil {
		return err
	}
	if err := d.Exec(ctx, create...); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	return d.Exec(ctx, segment.MetaSQL(segmentDB, t.spec.Meta, t.result.RowsStored), "CHECKPOINT "+segmentDB, "DETACH "+segmentDB)
}

// insert writes the rows of a public table, which have no units to rank within.
func (t *task) insert(ctx context.Context, d *duck.DB, query string) error {
	rows := segment.Quote(segmentDB) + ".main.rows"
	if err := d.Exec(ctx, "INSERT INTO "+rows+" "+query); err != nil {
		return err
	}
	return d.Ints(ctx, "SELECT count(*) FROM "+rows, &t.result.RowsStored)
}
