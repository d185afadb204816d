package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// periods is a valid contract with a date dimension and the given budget_per.
func periods(domain, budgetPer string) string {
	return doc("\n  day: {type: "+domain+"}\n  x: {type: integer, role: measure, bounds: [0, 5]}\n  n: {type: bigint, role: dimension}") + "\nbudget_per: " + budgetPer
}

const anyDay = "date, role: dimension"

func TestPeriods(t *testing.T) {
	tests := []struct {
		name, domain, budgetPer string
		want                    string // names of the periods
		of                      map[string]string
	}{
		{
			"days", anyDay, "{column: day, every: day, from: 2024-02-28, to: 2024-03-01}",
			"2024-02-28 2024-02-29 2024-03-01",
			map[string]string{"2024-02-27": PeriodOther, "2024-02-29": "2024-02-29", "2024-03-02": PeriodOther},
		},
		{
			"weeks begin on Monday", anyDay, "{column: day, every: week, from: 2024-01-03, to: 2024-01-15}",
			"2024-01-01 2024-01-08 2024-01-15",
			map[string]string{"2023-12-31": PeriodOther, "2024-01-01": "2024-01-01", "2024-01-07": "2024-01-01", "2024-01-21": "2024-01-15", "2024-01-22": PeriodOther},
		},
		{
			"a Sunday ends its week", anyDay, "{column: day, every: week, from: 2024-01-07, to: 2024-01-07}",
			"2024-01-01", map[string]string{"2024-01-08": PeriodOther},
		},
		{
			"months are whole", anyDay, "{column: day, every: month, from: 2023-11-30, to: 2024-02-01}",
			"2023-11-01 2023-12-01 2024-01-01 2024-02-01",
			map[string]string{"2023-11-01": "2023-11-01", "2024-02-29": "2024-02-01", "2024-03-01": PeriodOther},
		},
		{
			"before 1970", anyDay, "{column: day, every: month, from: 1969-12-15, to: 1970-01-02}",
			"1969-12-01 1970-01-01", map[string]string{"1969-11-30": PeriodOther},
		},
		{
			"the declared calendar", "date, role: dimension, domain: {from: 2024-01-01, to: 2024-03-15, every: day}", "{column: day, every: month}",
			"2024-01-01 2024-02-01 2024-03-01", nil,
		},
		{
			"declared values in any order", "date, role: dimension, domain: {values: [2024-05-09, 2024-03-31]}", "{column: day, every: month}",
			"2024-03-01 2024-04-01 2024-05-01", nil,
		},
		{
			"declared timestamps before 1970", `timestamp, role: dimension, domain: {values: ["1969-12-31 23:00:00", "1970-01-01 01:00:00"]}`, "{column: day, every: day}",
			"1969-12-31 1970-01-01", nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := mustParse(t, periods(tt.domain, tt.budgetPer)).BudgetPer
			var names []string
			for _, p := range b.Periods() {
				names = append(names, p.Name)
			}
			if diff := cmp.Diff(tt.want, strings.Join(names, " ")); diff != "" {
				t.Error(diff)
			}
			for day, want := range tt.of {
				at, err := time.Parse(time.DateOnly, day)
				if err != nil {
					t.Fatal(err)
				}
				if got := b.PeriodOf(dayOf(at)); got != want {
					t.Errorf("%s is in %s, want %s", day, got, want)
				}
			}
		})
	}
}

// Every day is in exactly one period: the calendar has neither gaps nor
// overlaps, and PeriodOf agrees with Periods. A day in no period, or in two,
// would be charged to no account or be promised two budgets.
func TestPeriodsPartitionTheDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &BudgetPer{Every: rapid.SampledFrom(calendarSteps).Draw(t, "every")}
		first := rapid.Int64Range(-700_000, 2_900_000).Draw(t, "first")
		b.From = dayOf(b.start(dateOf(first)))
		b.To = dayOf(b.next(b.start(dateOf(first + rapid.Int64Range(0, 400).Draw(t, "days")))))
		at := b.From
		for _, p := range b.Periods() {
			if p.From != at || p.To <= p.From || p.Name != dateOf(p.From).Format(time.DateOnly) {
				t.Fatalf("period %+v does not continue day %d", p, at)
			}
			for _, day := range []int64{p.From, p.To - 1} {
				if got := b.PeriodOf(day); got != p.Name {
					t.Fatalf("day %d is in %s, want %s", day, got, p.Name)
				}
			}
			at = p.To
		}
		if at != b.To || b.PeriodOf(b.From-1) != PeriodOther || b.PeriodOf(b.To) != PeriodOther {
			t.Fatalf("the calendar %+v ends at %d", b, at)
		}
		if first < b.From || first >= b.To {
			t.Fatalf("the calendar %+v leaves out its first day %d", b, first)
		}
	})
}

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
