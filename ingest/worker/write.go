package worker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/noised/noised/ingest/segment"
)

// excessTable holds the row ids of rows beyond what their unit may have.
const excessTable = "excess"

// unitCap is the number of rows of one unit that a segment may hold.
func (t *task) unitCap() int64 {
	if t.spec.MaxRows > 0 {
		return min(t.spec.MaxRows, MaxUnitRows)
	}
	return MaxUnitRows
}

// findExcess decides which rows units with too many of them lose, and counts
// them as rejected. Which ones depends on the unit's own rows and the salt.
func (t *task) findExcess(ctx context.Context, d *duck) (int64, error) {
	names := make([]string, len(t.spec.Columns))
	for i := range names {
		names[i] = fmt.Sprintf("k%d", i+1)
	}
	good := fmt.Sprintf("FROM %s WHERE %s IS NULL", stageTable, badColumn)
	var n int64
	err := d.exec(ctx,
		fmt.Sprintf("CREATE TEMP TABLE crowded AS SELECT %s %s GROUP BY ALL HAVING count(*) > %d", segment.UnitColumn, good, t.unitCap()),
		fmt.Sprintf("CREATE TEMP TABLE %s AS SELECT id FROM (SELECT rowid AS id, row_number() OVER (PARTITION BY %s ORDER BY %s, rowid) AS n %s AND %s IN (FROM crowded)) WHERE n > %d",
			excessTable, segment.UnitColumn, rankExpr(names), good, segment.UnitColumn, t.unitCap()))
	if err == nil {
		err = d.ints(ctx, "SELECT count(*) FROM "+excessTable, &n)
	}
	t.result.RowsRejected += n
	return n, err
}

// rankExpr is the keyed hash of a whole stored row: its pseudonym and every
// column as length-prefixed text, so that different rows have different texts.
func rankExpr(columns []string) string {
	var b strings.Builder
	b.WriteString(rankFunction + "('row' || CAST(" + segment.UnitColumn + " AS VARCHAR)")
	for _, c := range columns {
		fmt.Fprintf(&b, " || coalesce(':' || strlen(CAST(%s AS VARCHAR)) || ':' || CAST(%s AS VARCHAR), '-')", c, c)
	}
	b.WriteString(")")
	return b.String()
}

// writeSegment moves the good rows to the segment, sorted.
func (t *task) writeSegment(ctx context.Context, d *duck) error {
	columns := make([]string, len(t.spec.Columns))
	for i := range columns {
		columns[i] = fmt.Sprintf("k%d", i+1)
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NULL",
		strings.Join(append([]string{segment.UnitColumn}, columns...), ", "), stageTable, badColumn)
	var excess int64
	if err := d.ints(ctx, "SELECT count(*) FROM "+excessTable, &excess); err != nil {
		return err
	}
	if excess > 0 {
		query += " AND rowid NOT IN (SELECT id FROM " + excessTable + ")"
	}
	order := segment.UnitColumn
	if t.spec.MaxRows > 0 {
		order += ", " + rankExpr(columns)
	}
	if err := t.fill(ctx, d, query+" ORDER BY "+order); err != nil {
		return err
	}
	if t.result.RowsLoaded+t.result.RowsRejected != t.result.RowsRead {
		return errors.New("rows were lost")
	}
	return nil
}

// fill creates the segment file with the rows of a sorted query.
func (t *task) fill(ctx context.Context, d *duck, query string) error {
	if err := d.attach(ctx, filepath.Join(t.spec.Dir, SegmentFile), segmentDB, false); err != nil {
		return err
	}
	create, err := segment.CreateSQL(segmentDB, t.spec.Columns)
	if err != nil {
		return err
	}
	rows := segment.Quote(segmentDB) + ".main.rows"
	if err := d.exec(ctx, append(create, "INSERT INTO "+rows+" "+query)...); err != nil {
		return err
	}
	// Readers stream by unit: a segment that is not sorted must never be seen.
	var disorder int64
	if err := d.ints(ctx, fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %[1]s < p) FROM (SELECT %[1]s, lag(%[1]s) OVER () AS p FROM %[2]s)",
		segment.UnitColumn, rows), &t.result.RowsLoaded, &disorder); err != nil {
		return err
	}
	if disorder > 0 {
		return errors.New("the segment is not sorted")
	}
	return d.exec(ctx, segment.MetaSQL(segmentDB, t.spec.Meta, t.result.RowsLoaded), "CHECKPOINT "+segmentDB, "DETACH "+segmentDB)
}
