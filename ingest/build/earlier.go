package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// attachEarlier opens the segments that ranks go on from, to be read only.
func (t *task) attachEarlier(ctx context.Context, d *duck.DB) error {
	for i, path := range t.spec.Earlier {
		if err := d.Attach(ctx, path, earlierDB(i), true); err != nil {
			return err
		}
	}
	return nil
}

func earlierDB(i int) string { return fmt.Sprintf("earlier%d", i) }

// ordered is the query of the rows to rank in the order of units. Where ranks go
// on, the earlier rows of these units come along, before the new ones of their
// unit: of their columns, those that groupings have, and their ranks, which of new
// rows are NULL. Rows of other units are not looked at.
func (t *task) ordered(query string, withIDs bool) (string, error) {
	if len(t.spec.Earlier) == 0 {
		return query + " ORDER BY " + segment.UnitColumn, nil
	}
	var own, none []string
	if withIDs {
		own = append(own, "CAST(NULL AS BIGINT)")
	}
	own = append(own, segment.UnitColumn)
	for _, c := range t.spec.Columns {
		sqlType, err := segment.SQLType(c.Type)
		if err != nil {
			return "", err
		}
		value := "NULL"
		if slices.ContainsFunc(t.spec.Meta.Ranks, func(g []string) bool { return slices.Contains(g, c.Name) }) {
			value = segment.Quote(c.Name)
		}
		own = append(own, "CAST("+value+" AS "+sqlType+")")
	}
	ranks := quoted(t.spec.Meta.RankColumns())
	for _, name := range ranks {
		none = append(none, "CAST(NULL AS USMALLINT) AS "+name)
	}
	var parts []string
	for i := range t.spec.Earlier {
		parts = append(parts, "SELECT "+strings.Join(append(own, ranks...), ", ")+" FROM "+earlierDB(i)+".main.rows")
	}
	return fmt.Sprintf("SELECT * FROM (SELECT *, %s FROM (%s) UNION ALL (SELECT * FROM (%s) WHERE %s IN (SELECT %s FROM (%s)))) ORDER BY %s, %s IS NULL",
		strings.Join(none, ", "), query, strings.Join(parts, " UNION ALL "), segment.UnitColumn, segment.UnitColumn, query, segment.UnitColumn, ranks[0]), nil
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = segment.Quote(name)
	}
	return out
}
