package contract_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contract/contracttest"
)

func TestPeriods(t *testing.T) {
	tests := []struct {
		name, domain, budgetPer string
		want                    string // names of the periods
		of                      map[string]string
	}{
		{
			"days", contracttest.AnyDay, "{column: day, every: day, from: 2024-02-28, to: 2024-03-01}",
			"2024-02-28 2024-02-29 2024-03-01",
			map[string]string{"2024-02-27": contract.PeriodOther, "2024-02-29": "2024-02-29", "2024-03-02": contract.PeriodOther},
		},
		{
			"weeks begin on Monday", contracttest.AnyDay, "{column: day, every: week, from: 2024-01-03, to: 2024-01-15}",
			"2024-01-01 2024-01-08 2024-01-15",
			map[string]string{"2023-12-31": contract.PeriodOther, "2024-01-01": "2024-01-01", "2024-01-07": "2024-01-01", "2024-01-21": "2024-01-15", "2024-01-22": contract.PeriodOther},
		},
		{
			"a Sunday ends its week", contracttest.AnyDay, "{column: day, every: week, from: 2024-01-07, to: 2024-01-07}",
			"2024-01-01", map[string]string{"2024-01-08": contract.PeriodOther},
		},
		{
			"months are whole", contracttest.AnyDay, "{column: day, every: month, from: 2023-11-30, to: 2024-02-01}",
			"2023-11-01 2023-12-01 2024-01-01 2024-02-01",
			map[string]string{"2023-11-01": "2023-11-01", "2024-02-29": "2024-02-01", "2024-03-01": contract.PeriodOther},
		},
		{
			"before 1970", contracttest.AnyDay, "{column: day, every: month, from: 1969-12-15, to: 1970-01-02}",
			"1969-12-01 1970-01-01", map[string]string{"1969-11-30": contract.PeriodOther},
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
			b := mustParse(t, contracttest.Periods(tt.domain, tt.budgetPer)).BudgetPer
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
				if got := b.PeriodOf(contract.DayOf(at)); got != want {
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
		every := rapid.SampledFrom([]string{contract.EveryDay, contract.EveryWeek, contract.EveryMonth}).Draw(t, "every")
		first := rapid.Int64Range(-700_000, 2_900_000).Draw(t, "first")
		b := contract.PerPeriod("day", every, first, first+rapid.Int64Range(0, 400).Draw(t, "days"))
		at := b.From
		for _, p := range b.Periods() {
			if p.From != at || p.To <= p.From || p.Name != time.Unix(p.From*86_400, 0).UTC().Format(time.DateOnly) {
				t.Fatalf("period %+v does not continue day %d", p, at)
			}
			for _, day := range []int64{p.From, p.To - 1} {
				if got := b.PeriodOf(day); got != p.Name {
					t.Fatalf("day %d is in %s, want %s", day, got, p.Name)
				}
			}
			at = p.To
		}
		if at != b.To || b.PeriodOf(b.From-1) != contract.PeriodOther || b.PeriodOf(b.To) != contract.PeriodOther {
			t.Fatalf("the calendar %+v ends at %d", b, at)
		}
		if first < b.From || first >= b.To {
			t.Fatalf("the calendar %+v leaves out its first day %d", b, first)
		}
	})
}
