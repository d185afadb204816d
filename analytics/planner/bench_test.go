package planner

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
)

// BenchmarkPlan plans a query as people write it, and texts of the permitted
// size that are as expensive to bring to one form as they can be.
func BenchmarkPlan(b *testing.B) {
	f := newFixture(b)
	var many strings.Builder
	for i := range 380 {
		fmt.Fprintf(&many, "SUM(items) FILTER (WHERE grade > %d), ", i)
	}
	for name, sql := range map[string]string{
		"typical":    "SELECT service, lectage, AVG(rating) AS mean, COUNT(*) FROM insteval WHERE studage IN ('2', '4') GROUP BY service, lectage",
		"secret":     "SELECT lecturer, COUNT(*) FROM insteval GROUP BY lecturer",
		"junctions":  "SELECT COUNT(*) FROM shop WHERE " + strings.Repeat("paid OR (NOT paid AND (", 48) + strings.Repeat("grade>items OR ", 900) + "paid" + strings.Repeat("))", 48),
		"arithmetic": "SELECT COUNT(*) FROM shop WHERE " + strings.Repeat("price+(", 90) + "coalesce(" + strings.Repeat("price,", 2200) + "1)" + strings.Repeat(")", 90) + " > 1",
		"aggregates": "SELECT " + many.String() + "COUNT(*) FROM shop",
		"in":         "SELECT COUNT(*) FROM shop WHERE grade IN (" + strings.Repeat("1,22,", 3000) + "3)",
	} {
		sel, err := f.parser.Parse(context.Background(), sql)
		if err != nil {
			b.Fatal(name, err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = Plan(sel, Dataset{Contract: f.contracts[plan.Tables(sel.From)[0].Dataset], Members: members}, Request{})
			}
		})
	}
}
