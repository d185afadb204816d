package upload

import (
	"context"
	"strings"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/scan"
	"github.com/noised/noised/ingest/segment"
)

// parquetSource describes a Parquet file.
func (u *Upload) parquetSource(ctx context.Context, d *duck.DB, path string) (*Source, error) {
	relation := "read_parquet(" + segment.Literal(path) + ", binary_as_string = true)"
	names, types, err := d.Describe(ctx, relation)
	if err != nil {
		if known := duck.Environment(ctx, u.Dir, err); known != nil {
			return nil, known
		}
		return nil, rejected("the file is not a Parquet file, or is damaged")
	}
	at, ignored, err := match(u.Wanted, names)
	if err != nil {
		return nil, err
	}
	src := &Source{Relation: relation, Ignored: ignored}
	for _, i := range at {
		if nested(types[i]) {
			return nil, rejected("column %s holds lists or structures; load one value per row", scan.ShortName(names[i]))
		}
		src.Columns = append(src.Columns, Column{Expr: segment.Quote(names[i]), Text: types[i] == "VARCHAR"})
	}
	return src, nil
}

// nested reports whether a DuckDB type holds more than one value. As text it
// would load, and a person's id in a list would be another person.
func nested(kind string) bool {
	return strings.HasSuffix(kind, "]") || strings.HasPrefix(kind, "STRUCT(") || strings.HasPrefix(kind, "MAP(") || strings.HasPrefix(kind, "UNION(")
}
