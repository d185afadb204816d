package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// merge writes one segment with the rows of several, and their codes by what is
// declared now.
//
// Where ranks are kept, all rows are, and a unit's rows lie in the order of the
// segments and, of each, as they lie there. So whatever is asked of the one
// segment has the answer that the several had: by ranks, since every row has its
// own, and by streaming, which meets a unit's rows in the same order.
//
// Else rows are ranked anew. A unit keeps the same rows, with the same ranks, as
// if all had been loaded at once.
func (t *task) merge(ctx context.Context) error {
	d, err := t.open(ctx, duck.Readable(t.spec.Segments)...)
	if err != nil {
		return t.ours(ctx, err, "starting DuckDB")
	}
	err = t.ours(ctx, t.mergeInto(ctx, d), "merging segments")
	if closing := d.Close(); err == nil {
		err = t.ours(ctx, closing, "closing DuckDB")
	}
	return err
}

func (t *task) mergeInto(ctx context.Context, d *duck.DB) error {
	if err := t.attachEarlier(ctx, d); err != nil {
		return err
	}
	columns := make([]string, len(t.spec.Columns))
	for i, c := range t.spec.Columns {
		columns[i] = segment.Quote(c.Name)
	}
	stored := columns
	if t.spec.Keep {
		columns = append(columns, quoted(t.spec.Meta.RankColumns())...)
	}
	list := strings.Join(t.withUnit(columns), ", ")
	parts := make([]string, len(t.spec.Segments))
	for i, path := range t.spec.Segments {
		name := fmt.Sprintf("part%d", i)
		if err := d.Attach(ctx, path, name, true); err != nil {
			return err
		}
		parts[i] = fmt.Sprintf("SELECT %s, %d AS _part, rowid AS _at FROM %s.main.rows", list, i, name)
	}
	from := " FROM (" + strings.Join(parts, " UNION ALL ") + ")"
	err := t.fill(ctx, d, func() (err error) {
		if !t.spec.Keep && !t.spec.Meta.Public {
			t.result.RowsStored, err = t.ranked(ctx, d, "SELECT "+list+from, false, func(int64, uint64) error { return nil })
			return err
		}
		codes, err := t.codes(ctx, d, stored)
		if err != nil {
			return err
		}
		query := "SELECT " + strings.Join(append([]string{list}, codes...), ", ") + from
		if t.spec.Keep {
			query += " ORDER BY " + segment.UnitColumn + ", _part, _at"
		}
		return t.insert(ctx, d, query)
	})
	t.result.RowsLoaded, t.result.RowsRead = t.result.RowsStored, t.result.RowsStored
	return err
}
