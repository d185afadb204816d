package contractparse

import (
	"strings"
	"testing"

	"github.com/noised/noised/analytics/contract/contracttest"
)

func TestBudgetPerProblems(t *testing.T) {
	const from = "from: 2024-01-01, to: 2024-12-31}"
	tests := []struct{ name, domain, budgetPer, want string }{
		{"no calendar", contracttest.AnyDay, "{column: day, every: month}", "10 budget_per: needs a public calendar"},
		{"half a calendar", contracttest.AnyDay, "{column: day, every: month, from: 2024-01-01}", "10 budget_per.to: is required"},
		{"backwards", contracttest.AnyDay, "{column: day, every: month, from: 2024-02-01, to: 2024-01-01}", "10 budget_per.from: must not be after to"},
		{"a time of day", contracttest.AnyDay, `{column: day, every: day, from: "2024-01-01 10:00:00", to: 2024-01-02}`, "10 budget_per.from: must be a date"},
		{"another step", contracttest.AnyDay, "{column: day, every: year, " + from, "10 budget_per.every: must be day, week or month"},
		{"no step", contracttest.AnyDay, "{column: day, " + from, "10 budget_per.every: is required"},
		{"no column", contracttest.AnyDay, "{every: day, " + from, "10 budget_per.column: is required"},
		{"unknown column", contracttest.AnyDay, "{column: night, every: day, " + from, `10 budget_per.column: "night" is not one`},
		{"a number", contracttest.AnyDay, "{column: n, every: day, " + from, `10 budget_per.column: "n" is not a dimension of type date`},
		{"a measure", contracttest.AnyDay, "{column: x, every: day, " + from, `10 budget_per.column: "x" is not a dimension of type date`},
		{"the unit", contracttest.AnyDay, "{column: id, every: day, " + from, `10 budget_per.column: "id" is not a dimension of type date`},
		{"too many periods", contracttest.AnyDay, "{column: day, every: day, from: 1990-01-01, to: 2024-12-31}", "10 budget_per: has more than 10000 periods"},
		{"an unknown field", contracttest.AnyDay, "{column: day, every: day, until: x, " + from, "10 budget_per.until: unknown field"},
		{"text", contracttest.AnyDay, "month", "10 budget_per: must have the fields"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expectProblems(t, contracttest.Periods(tt.domain, tt.budgetPer), []string{tt.want})
		})
	}
}

func TestMaxL2(t *testing.T) {
	withL2 := func(l2 string) string {
		return strings.Replace(contracttest.Around(""), "max_rows_per_partition: 1}", "max_rows_per_partition: 1, max_l2: "+l2+"}", 1)
	}
	c := mustParse(t, withL2("7"))
	if c.Limits.MaxL2 != 7 || c.JSON().Contribution.MaxL2 != 7 {
		t.Errorf("limits %+v, shown %+v", c.Limits, c.JSON().Contribution)
	}
	expectProblems(t, withL2("0"), []string{"4 contribution.max_l2: must be between 1 and"})
	expectProblems(t, withL2("1.5"), []string{"4 contribution.max_l2: must be a whole number"})
	expectProblems(t, strings.Replace(contracttest.Around(""), "{max_partitions: 1, max_rows_per_partition: 1}", "{max_rows: 3, max_l2: 2}", 1),
		[]string{"4 contribution.max_rows: stands alone"})
}
