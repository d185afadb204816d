package contractparse

import (
	"strings"
	"testing"
)

// periods is a valid contract with a date dimension and the given budget_per.
func periods(domain, budgetPer string) string {
	return doc("\n  day: {type: "+domain+"}\n  x: {type: integer, role: measure, bounds: [0, 5]}\n  n: {type: bigint, role: dimension}") + "\nbudget_per: " + budgetPer
}

const anyDay = "date, role: dimension"

func TestBudgetPerProblems(t *testing.T) {
	const from = "from: 2024-01-01, to: 2024-12-31}"
	tests := []struct{ name, domain, budgetPer, want string }{
		{"no calendar", anyDay, "{column: day, every: month}", "10 budget_per: needs a public calendar"},
		{"half a calendar", anyDay, "{column: day, every: month, from: 2024-01-01}", "10 budget_per.to: is required"},
		{"backwards", anyDay, "{column: day, every: month, from: 2024-02-01, to: 2024-01-01}", "10 budget_per.from: must not be after to"},
		{"a time of day", anyDay, `{column: day, every: day, from: "2024-01-01 10:00:00", to: 2024-01-02}`, "10 budget_per.from: must be a date"},
		{"another step", anyDay, "{column: day, every: year, " + from, "10 budget_per.every: must be day, week or month"},
		{"no step", anyDay, "{column: day, " + from, "10 budget_per.every: is required"},
		{"no column", anyDay, "{every: day, " + from, "10 budget_per.column: is required"},
		{"unknown column", anyDay, "{column: night, every: day, " + from, `10 budget_per.column: "night" is not one`},
		{"a number", anyDay, "{column: n, every: day, " + from, `10 budget_per.column: "n" is not a dimension of type date`},
		{"a measure", anyDay, "{column: x, every: day, " + from, `10 budget_per.column: "x" is not a dimension of type date`},
		{"the unit", anyDay, "{column: id, every: day, " + from, `10 budget_per.column: "id" is not a dimension of type date`},
		{"too many periods", anyDay, "{column: day, every: day, from: 1990-01-01, to: 2024-12-31}", "10 budget_per: has more than 10000 periods"},
		{"an unknown field", anyDay, "{column: day, every: day, until: x, " + from, "10 budget_per.until: unknown field"},
		{"text", anyDay, "month", "10 budget_per: must have the fields"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expectProblems(t, periods(tt.domain, tt.budgetPer), []string{tt.want})
		})
	}
}

func TestMaxL2(t *testing.T) {
	withL2 := func(l2 string) string {
		return strings.Replace(doc(""), "max_rows_per_partition: 1}", "max_rows_per_partition: 1, max_l2: "+l2+"}", 1)
	}
	c := mustParse(t, withL2("7"))
	if c.Limits.MaxL2 != 7 || c.JSON().Contribution.MaxL2 != 7 {
		t.Errorf("limits %+v, shown %+v", c.Limits, c.JSON().Contribution)
	}
	expectProblems(t, withL2("0"), []string{"4 contribution.max_l2: must be between 1 and"})
	expectProblems(t, withL2("1.5"), []string{"4 contribution.max_l2: must be a whole number"})
	expectProblems(t, strings.Replace(doc(""), "{max_partitions: 1, max_rows_per_partition: 1}", "{max_rows: 3, max_l2: 2}", 1),
		[]string{"4 contribution.max_rows: stands alone"})
}
