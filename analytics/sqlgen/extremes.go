package sqlgen

import (
	"fmt"
	"math"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Extremes returns statements for the least and the largest value of a stored
// column of exact numbers, as the integers that they are stored as: one number
// each, which is out of every bounds where there is no value at all.
func Extremes(p *plan.Bound, c *plan.Column, relations ...Relation) (least, most string, err error) {
	var parts []string
	for _, r := range relations {
		for _, catalog := range r.of(p, c.Qualifier) {
			rows, err := table(catalog, Range{})
			if err != nil {
				return "", "", privacy.Internal(err, "generating SQL")
			}
			parts = append(parts, "FROM "+rows)
		}
	}
	name, err := quoteName(c.Name)
	if err != nil || len(parts) == 0 || !c.Type.IsNumeric() || c.Type.Kind == plan.KindDouble {
		return "", "", privacy.Internal(fmt.Errorf("a column has no extremes"), "generating SQL")
	}
	one := func(f string, none int64) string {
		stored := unscaled(term{sql: f + "(x)", typ: c.Type}).sql
		return fmt.Sprintf("SELECT coalesce(%s, %d)::BIGINT FROM (SELECT %s(%s) AS x %s)", stored, none, f, name,
			strings.Join(parts, fmt.Sprintf(" UNION ALL SELECT %s(%s) ", f, name)))
	}
	return one("min", math.MaxInt64), one("max", -math.MaxInt64), nil
}

// of returns the segments of a source.
func (r Relation) of(p *plan.Bound, alias string) []string {
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
