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

// sourceDB is the name under which the segment that is copied is attached.
const sourceDB = "source"

// erase writes a copy of a segment without the rows of some units: the rows that
// stay, as they are and in their order, with their ranks and codes. The file is a
// new one, so that nothing of what is left out is on any page of it.
//
// Ranks stay sound. What is stored with a row was computed from the rows of its own
// unit, the salt, and the order of that unit's loads; nothing of it looks at another
// unit's rows. So leaving out one unit's rows changes no rank of anybody else's: the
// file is the one that the same loads would have written had they never held the
// unit. Loads that come later go on from the ranks that they find of their own
// units, and find none of one that was erased, exactly as for a unit that is new. And
// a bound by ranks keeps at most as many rows of a unit as before, since its rows are
// all there or none of them is.
//
// What is written does not depend on whether a unit was there: every row is read and
// every segment is copied.
func (t *task) erase(ctx context.Context) error {
	d, err := t.open(ctx, duck.Readable(t.spec.Segments)...)
	if err != nil {
		return t.ours(ctx, err, "starting DuckDB")
	}
	err = t.ours(ctx, t.eraseInto(ctx, d), "erasing from a segment")
	if closing := d.Close(); err == nil {
		err = t.ours(ctx, closing, "closing DuckDB")
	}
	return err
}

func (t *task) eraseInto(ctx context.Context, d *duck.DB) error {
	if err := d.Erase(t.spec.Without); err != nil {
		return err
	}
	if err := d.Attach(ctx, t.spec.Segments[0], sourceDB, true); err != nil {
		return err
	}
	if err := d.Attach(ctx, filepath.Join(t.spec.Dir, SegmentFile), segmentDB, false); err != nil {
		return err
	}
	if err := t.likeSource(ctx, d); err != nil {
		return err
	}
	const rows, meta = segmentDB + ".main.rows", segmentDB + ".main.meta"
	erased := duck.ErasedFunction + "(" + segment.UnitColumn + ")"
	if err := d.Exec(ctx, "INSERT INTO "+rows+" SELECT * FROM "+sourceDB+".main.rows WHERE NOT "+erased); err != nil {
		return err
	}
	var left int64
	err := d.Ints(ctx, fmt.Sprintf("SELECT (SELECT count(*) FROM %s.main.rows), (SELECT count(*) FROM %s), (SELECT count(*) FROM %s WHERE %s)",
		sourceDB, rows, rows, erased), &t.result.RowsRead, &t.result.RowsStored, &left)
	if err != nil {
		return err
	}
	if left > 0 {
		return errors.New("rows were not erased")
	}
	t.result.RowsLoaded, t.result.RowsRejected = t.result.RowsStored, t.result.RowsRead-t.result.RowsStored
	return d.Exec(ctx,
		fmt.Sprintf("INSERT INTO %s SELECT key, CASE WHEN key = 'rows' THEN '%d' ELSE value END FROM %s.main.meta", meta, t.result.RowsStored, sourceDB),
		"CHECKPOINT "+segmentDB, "DETACH "+segmentDB)
}

// likeSource makes the empty tables of a file that has the columns of the source,
// whatever contract it was loaded under.
func (t *task) likeSource(ctx context.Context, d *duck.DB) error {
	columns, err := d.Query(ctx, "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE database_name = '"+sourceDB+
		"' AND schema_name = 'main' AND table_name = 'rows' ORDER BY column_index")
	if err != nil {
		return err
	}
	defer columns.Close()
	var declared []string
	for columns.Next() {
		var name, kind string
		var nullable bool
		if err := columns.Scan(&name, &kind, &nullable); err != nil {
			return err
		}
		column := segment.Quote(name) + " " + kind
		if !nullable {
			column += " NOT NULL"
		}
		declared = append(declared, column)
	}
	if err := errors.Join(columns.Err(), columns.Close()); err != nil {
		return err
	}
	return d.Exec(ctx,
		"CREATE TABLE "+segmentDB+".main.rows ("+strings.Join(declared, ", ")+")",
		"CREATE TABLE "+segmentDB+".main.meta (key VARCHAR, value VARCHAR)")
}
