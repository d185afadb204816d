package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/ingest/code"
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
			codes, err := t.codes(ctx, d, t.kept())
			if err != nil {
				return err
			}
			return t.insert(ctx, d, "SELECT "+strings.Join(append(t.kept(), codes...), ", ")+" FROM ("+t.good()+")")
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

// fill creates the segment file with the rows that write puts there. When it
// fails, there is none.
func (t *task) fill(ctx context.Context, d *duck.DB, write func() error) error {
	path := filepath.Join(t.spec.Dir, SegmentFile)
	if err := d.Attach(ctx, path, segmentDB, false); err != nil {
		return err
	}
	err := t.create(ctx, d)
	if err == nil {
		err = write()
	}
	if err == nil {
		err = d.Exec(ctx, segment.MetaSQL(segmentDB, t.spec.Meta, t.result.RowsStored), "CHECKPOINT "+segmentDB)
	}
	if err == nil {
		return d.Exec(ctx, "DETACH "+segmentDB)
	}
	if detaching := d.Exec(ctx, "DETACH "+segmentDB); detaching != nil {
		return err // it stays open until the worker ends, and its directory goes then
	}
	for _, name := range duck.Readable([]string{path}) {
		_ = os.Remove(name) // the log may be gone
	}
	return err
}

// create makes the empty tables of the segment.
func (t *task) create(ctx context.Context, d *duck.DB) error {
	statements, err := segment.CreateSQL(segmentDB, t.spec.Meta, t.spec.Columns)
	if err != nil {
		return err
	}
	return d.Exec(ctx, statements...)
}

// codes returns the expressions of the codes of the columns to store, which stand
// under the given names.
func (t *task) codes(ctx context.Context, d *duck.DB, names []string) ([]string, error) {
	s, err := code.NewSQL(t.spec.Meta, t.spec.Columns, names)
	if err != nil {
		return nil, err
	}
	return s.Expressions, d.Exec(ctx, s.Types...)
}

// insert writes rows that need no ranking: those of a public table, which have no
// units to rank within, and those that keep their ranks.
func (t *task) insert(ctx context.Context, d *duck.DB, query string) error {
	rows := segment.Quote(segmentDB) + ".main.rows"
	if err := d.Exec(ctx, "INSERT INTO "+rows+" "+query); err != nil {
		return err
	}
	return d.Ints(ctx, "SELECT count(*) FROM "+rows, &t.result.RowsStored)
}
