package build

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/noised/noised/ingest/cell"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// nameBatch is the number of unit ids that one statement has.
const nameBatch = 1000

// name finds the pseudonyms of unit ids as a load of a CSV file would that has them
// in its unit column: the same text is cast by the same rules to the same type. Of an
// id that a load would reject it tells the place only.
func (t *task) name(ctx context.Context) error {
	d, err := t.open(ctx)
	if err != nil {
		return t.ours(ctx, err, "starting DuckDB")
	}
	err = t.ours(ctx, t.nameAll(ctx, d), "finding pseudonyms")
	if closing := d.Close(); err == nil {
		err = t.ours(ctx, closing, "closing DuckDB")
	}
	return err
}

func (t *task) nameAll(ctx context.Context, d *duck.DB) error {
	for from := 0; from < len(t.spec.Units); from += nameBatch {
		query, err := t.nameSQL(from, t.spec.Units[from:min(from+nameBatch, len(t.spec.Units))])
		if err != nil {
			return err
		}
		if err := t.nameSome(ctx, d, query); err != nil {
			return err
		}
	}
	return nil
}

func (t *task) nameSome(ctx context.Context, d *duck.DB, query string) error {
	rows, err := d.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var unit sql.Null[uint64]
		if err := rows.Scan(&at, &unit); err != nil {
			return err
		}
		if unit.Valid {
			t.result.Units = append(t.result.Units, unit.V)
		} else {
			t.result.NoUnits = append(t.result.NoUnits, at)
		}
	}
	return rows.Err()
}

// nameSQL is the query of places and pseudonyms. It works in the layers of judged.
func (t *task) nameSQL(first int, ids []string) (string, error) {
	c := t.spec.Unit
	sqlType, err := segment.SQLType(c.Type)
	if err != nil {
		return "", err
	}
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = fmt.Sprintf("(%d, %s)", first+i+1, segment.Literal(id))
	}
	verdict := fmt.Sprintf("WHEN %s THEN '' %s", cell.Blank(c.Type, "r0", "k0"), strings.Join(cell.Verdicts(0, c.Type, true), " "))
	return fmt.Sprintf("SELECT place, %s(CASE WHEN CASE %s END IS NULL THEN CAST(k0 AS VARCHAR) ELSE NULL END) FROM (SELECT place, r0, %s AS k0 FROM (VALUES %s) v(place, r0)) ORDER BY place",
		duck.UnitFunction, verdict, cell.Cast(c.Type, sqlType, "r0"), strings.Join(values, ", ")), nil
}
