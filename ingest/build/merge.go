package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// merge writes one segment with the rows of several. Where the contract has
// max_rows, a unit keeps the same rows as if all had been loaded at once.
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
	columns := make([]string, len(t.spec.Columns))
	for i, c := range t.spec.Columns {
		columns[i] = segment.Quote(c.Name)
	}
	list := strings.Join(t.withUnit(columns), ", ")
	parts := make([]string, len(t.spec.Segments))
	for i, path := range t.spec.Segments {
		name := fmt.Sprintf("part%d", i)
		if err := d.Attach(ctx, path, name, true); err != nil {
			return err
		}
		parts[i] = "SELECT " + list + " FROM " + name + ".main.rows"
	}
	query := "SELECT " + list + " FROM (" + strings.Join(parts, " UNION ALL ") + ")"
	if t.spec.MaxRows > 0 && !t.spec.Meta.Public {
		query += fmt.Sprintf(" QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %s) <= %d", segment.UnitColumn, rankExpr(columns), t.unitCap())
	}
	if err := t.fill(ctx, d, query+t.orderBy(columns)); err != nil {
		return err
	}
	t.result.RowsLoaded, t.result.RowsRead = t.result.RowsStored, t.result.RowsStored
	return nil
}
