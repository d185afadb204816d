package sqlgen

import (
	"fmt"
	"math"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
	"github.com/noised/noised/privacy"
)

// Extremes returns a statement for the least and the largest value of a stored
// column of exact numbers in some segments, as the integers that they are stored
// as. Where there is no value at all, the least is above the largest.
func Extremes(c *plan.Column, catalogs ...string) (string, error) {
	name, err := sqlexpr.QuoteName(c.Name)
	if err != nil || len(catalogs) == 0 || !c.Type.IsNumeric() || c.Type.Kind == plan.KindDouble {
		return "", privacy.Internal(fmt.Errorf("a column has no extremes"), "generating SQL")
	}
	var parts []string
	for _, catalog := range catalogs {
		rows, err := table(catalog, Range{})
		if err != nil {
			return "", privacy.Internal(err, "generating SQL")
		}
		parts = append(parts, fmt.Sprintf("SELECT min(%s) AS lo, max(%s) AS hi FROM %s", name, name, rows))
	}
	end := func(f, of string, none int64) string {
		return fmt.Sprintf("coalesce(%s, %d)::BIGINT", sqlexpr.Unscaled(sqlexpr.Term{SQL: f + "(" + of + ")", Type: c.Type}).SQL, none)
	}
	return "SELECT " + end("min", "lo", math.MaxInt64) + ", " + end("max", "hi", -math.MaxInt64) +
		" FROM (" + strings.Join(parts, " UNION ALL ") + ")", nil
}

// Segments returns the catalogs of a source of a plan.
func (r Relation) Segments(p *plan.Bound, alias string) []string {
	if len(p.Sources) < 2 {
		return []string{r.Catalog}
	}
	for _, s := range p.Sources {
		if s.Alias == alias {
			return r.Tables[s.Table]
		}
	}
	return nil
}
