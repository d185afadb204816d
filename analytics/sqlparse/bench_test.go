package sqlparse

import (
	"context"
	"strings"
	"testing"
)

// BenchmarkParse parses a query as people write it, and the largest trees that
// a text of the permitted size unfolds into.
func BenchmarkParse(b *testing.B) {
	p := newParser(b)
	for name, sql := range map[string]string{
		"typical":  "SELECT service, lectage, AVG(rating) AS mean, COUNT(*) FROM insteval WHERE studage IN ('2', '4') GROUP BY service, lectage HAVING COUNT(*) > 10 ORDER BY mean DESC",
		"wide":     "SELECT " + strings.Repeat("1,", 8000) + "1 FROM d",
		"nested":   "SELECT " + strings.Repeat("f(", 98) + strings.Repeat("a,", 7600) + "1" + strings.Repeat(")", 98) + " FROM d",
		"comments": strings.Repeat("/*", 100) + strings.Repeat("*/ /*", 100),
		"brackets": "SELECT " + strings.Repeat("coalesce(", 98) + strings.Repeat("a,", 7000) + "1" + strings.Repeat(")", 98) + " FROM d",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = p.Parse(context.Background(), sql)
			}
		})
	}
}
