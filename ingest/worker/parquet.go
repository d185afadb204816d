package worker

import (
	"context"
	"strings"

	"github.com/noised/noised/ingest/segment"
)

// parquetSource describes a Parquet file.
func (t *task) parquetSource(ctx context.Context, d *duck, path string) (*source, error) {
	relation := "read_parquet(" + segment.Literal(path) + ", binary_as_string = true)"
	names, types, err := d.describe(ctx, relation)
	if err != nil {
		if known := t.environment(ctx, err); known != nil {
			return nil, known
		}
		return nil, rejected("the file is not a Parquet file, or is damaged")
	}
	at, ignored, err := match(t.wanted(), names)
	if err != nil {
		return nil, err
	}
	src := &source{relation: relation, ignored: ignored}
	for _, i := range at {
		if nested(types[i]) {
			return nil, rejected("column %s holds lists or structures; load one value per row", shortName(names[i]))
		}
		src.columns = append(src.columns, rawColumn{expr: segment.Quote(names[i]), text: types[i] == "VARCHAR"})
	}
	return src, nil
}

// nested reports whether a DuckDB type holds more than one value. As text it
// would load, and a person's id in a list would be another person.
func nested(kind string) bool {
	return strings.HasSuffix(kind, "]") || strings.HasPrefix(kind, "STRUCT(") || strings.HasPrefix(kind, "MAP(") || strings.HasPrefix(kind, "UNION(")
}

// describe returns the names and types of a relation's columns.
func (d *duck) describe(ctx context.Context, relation string) (names, types []string, err error) {
	rows, err := d.conn.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "+relation+")")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, nil, err
		}
		names, types = append(names, name), append(types, kind)
	}
	return names, types, rows.Err()
}
