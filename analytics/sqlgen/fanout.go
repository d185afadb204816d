package sqlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
	"github.com/noised/noised/privacy"
)

// FanOuts returns, for each public table of a join, a statement that says how
// many of its rows one row of the tables before it can meet at most: the number
// of its rows with the commonest values of the columns that it is joined on. It
// reads that public table and nothing else. tables are the catalogs of public
// tables, as in Relation.
func FanOuts(p *plan.Bound, tables map[string][]string) ([]string, error) {
	var out []string
	for _, src := range p.Sources {
		if !src.Public {
			continue
		}
		sql, err := fanOut(src, tables[src.Table])
		if err != nil {
			return nil, privacy.Internal(err, "generating SQL")
		}
		out = append(out, sql)
	}
	return out, nil
}

func fanOut(src plan.Source, catalogs []string) (string, error) {
	var columns []*plan.Column
	var names, present []string
	for _, on := range src.On {
		if slices.ContainsFunc(columns, func(c *plan.Column) bool { return c.Name == on.Right.Name }) {
			continue
		}
		name, err := sqlexpr.QuoteName(on.Right.Name)
		if err != nil {
			return "", err
		}
		columns, names, present = append(columns, on.Right), append(names, name), append(present, name+" IS NOT NULL")
	}
	if len(columns) == 0 {
		return "", fmt.Errorf("%s is joined to nothing", src.Table)
	}
	of, err := stored(src, columns)
	if err != nil {
		return "", err
	}
	rows, err := of.union(catalogs, Range{})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("SELECT coalesce(max(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM %s WHERE %s GROUP BY %s)",
		rows, strings.Join(present, " AND "), strings.Join(names, ", ")), nil
}
