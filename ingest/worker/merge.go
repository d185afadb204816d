package worker

import (
	"context"
	"fmt"
	"strings"

	"github.com/noised/noised/ingest/segment"
)

// merge writes one segment with the rows of several. Where the contract has
// max_rows, a unit keeps the same rows as if all had been loaded at once.
func (t *task) merge(ctx context.Context) error {
	var readable []string
	for _, path := range t.spec.Segments {
		readable = append(readable, path, path+".wal") // there is none, but DuckDB looks
	}
	d, err := t.open(ctx, readable...)
	if err != nil {
		return t.ours(ctx, err, "starting DuckDB")
	}
	err = t.ours(ctx, t.mergeInto(ctx, d), "merging segments")
	if closing := d.close(); err == nil {
		err = t.ours(ctx, closing, "closing DuckDB")
	}
	return err
}

func (t *task) mergeInto(ctx context.Context, d *duck) error {
	columns := []string{segment.UnitColumn}
	for _, c := range t.spec.Columns {
		columns = append(columns, segment.Quote(c.Name))
	}
	list := strings.Join(columns, ", ")
	parts := make([]string, len(t.spec.Segments))
	for i, path := range t.spec.Segments {
		name := fmt.Sprintf("part%d", i)
		if err := d.attach(ctx, path, name, true); err != nil {
			return err
		}
		parts[i] = "SELECT " + list + " FROM " + name + ".main.rows"
	}
	query := "SELECT " + list + " FROM (" + strings.Join(parts, " UNION ALL ") + ")"
	order := segment.UnitColumn
	if t.spec.MaxRows > 0 {
		rank := rankExpr(columns[1:])
		query += fmt.Sprintf(" QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %s) <= %d", segment.UnitColumn, rank, t.unitCap())
		order += ", " + rank
	}
	if err := t.fill(ctx, d, query+" ORDER BY "+order); err != nil {
		return err
	}
	t.result.RowsRead = t.result.RowsLoaded
	return nil
}
