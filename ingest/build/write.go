package build

import (
	"context"
	"errors"
	"fmt"
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

// Rows beyond what their unit may have, with that unit; and the row ids of those
// that no unit keeps.
const (
	excessTable  = "excess"
	droppedTable = "dropped"
)

// unitCap is the number of rows of one unit that a segment may hold.
func (t *task) unitCap() int64 {
	if t.spec.MaxRows > 0 {
		return min(t.spec.MaxRows, MaxUnitRows)
	}
	return MaxUnitRows
}

// findExcess decides which rows units with too many of them lose, and counts
// them. Which ones depends on the unit's own rows and the salt. A row that
// belongs to several units is rejected when all of them lose it.
func (t *task) findExcess(ctx context.Context, d *duck.DB) (rejected int64, err error) {
	if t.spec.Meta.Public {
		return 0, nil
	}
	err = d.Exec(ctx,
		fmt.Sprintf("CREATE TEMP TABLE crowded AS SELECT %s FROM (%s) GROUP BY ALL HAVING count(*) > %d", segment.UnitColumn, t.owners(), t.unitCap()),
		fmt.Sprintf("CREATE TEMP TABLE %s AS SELECT id, %s FROM (SELECT id, %s, row_number() OVER (PARTITION BY %s ORDER BY %s, id) AS n FROM (%s) WHERE %s IN (FROM crowded)) WHERE n > %d",
			excessTable, segment.UnitColumn, segment.UnitColumn, segment.UnitColumn, rankExpr(t.kept()), t.good(), segment.UnitColumn, t.unitCap()),
		fmt.Sprintf("CREATE TEMP TABLE %s AS %s", droppedTable, t.dropped()))
	if err == nil {
		err = d.Ints(ctx, "SELECT (SELECT count(*) FROM "+excessTable+"), (SELECT count(*) FROM "+droppedTable+")", &t.excess, &rejected)
	}
	t.result.RowsRejected += rejected
	return rejected, err
}

// rankExpr is the keyed hash of a whole stored row: its pseudonym and every
// column as length-prefixed text, so that different rows have different texts.
func rankExpr(columns []string) string {
	var b strings.Builder
	b.WriteString(duck.RankFunction + "('row' || CAST(" + segment.UnitColumn + " AS VARCHAR)")
	for _, c := range columns {
		fmt.Fprintf(&b, " || coalesce(':' || strlen(CAST(%s AS VARCHAR)) || ':' || CAST(%s AS VARCHAR), '-')", c, c)
	}
	b.WriteString(")")
	return b.String()
}

// writeSegment moves the good rows to the segment, sorted.
func (t *task) writeSegment(ctx context.Context, d *duck.DB) error {
	columns := t.kept()
	query := "SELECT " + strings.Join(t.withUnit(columns), ", ") + " FROM (" + t.good() + ") g"
	if t.excess > 0 {
		query += fmt.Sprintf(" ANTI JOIN %s e ON g.id = e.id AND g.%s = e.%s", excessTable, segment.UnitColumn, segment.UnitColumn)
	}
	if err := t.fill(ctx, d, query+t.orderBy(columns)); err != nil {
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

// orderBy is the order in which rows are stored. Rows of a public table stay as
// they came.
func (t *task) orderBy(columns []string) string {
	switch {
	case t.spec.Meta.Public:
		return ""
	case t.spec.MaxRows > 0:
		return " ORDER BY " + segment.UnitColumn + ", " + rankExpr(columns)
	default:
		return " ORDER BY " + segment.UnitColumn
	}
}

// fill creates the segment file with the rows of a sorted query.
func (t *task) fill(ctx context.Context, d *duck.DB, query string) error {
	if err := d.Attach(ctx, filepath.Join(t.spec.Dir, SegmentFile), segmentDB, false); err != nil {
		return err
	}
	create, err := segment.CreateSQL(segmentDB, t.spec.Meta, t.spec.Columns)
	if err != nil {
		return err
	}
	rows := segment.Quote(segmentDB) + ".main.rows"
	if err := d.Exec(ctx, append(create, "INSERT INTO "+rows+" "+query)...); err != nil {
		return err
	}
	if err := t.countStored(ctx, d, rows); err != nil {
		return err
	}
	return d.Exec(ctx, segment.MetaSQL(segmentDB, t.spec.Meta, t.result.RowsStored), "CHECKPOINT "+segmentDB, "DETACH "+segmentDB)
}

// countStored counts the rows of the new segment. Readers stream by unit: a
// segment that is not sorted must never be seen.
func (t *task) countStored(ctx context.Context, d *duck.DB, rows string) error {
	if t.spec.Meta.Public {
		return d.Ints(ctx, "SELECT count(*) FROM "+rows, &t.result.RowsStored)
	}
	var disorder int64
	err := d.Ints(ctx, fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %[1]s < p) FROM (SELECT %[1]s, lag(%[1]s) OVER () AS p FROM %[2]s)",
		segment.UnitColumn, rows), &t.result.RowsStored, &disorder)
	if err == nil && disorder > 0 {
		err = errors.New("the segment is not sorted")
	}
	return err
}
