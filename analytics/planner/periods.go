package planner

import (
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/periods"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

// periods finds the budget periods whose rows the filter can let through, and
// excludes the rows of all others from the plan. Package periods says why
// charging these is enough.
func (p *planning) periods() error {
	per := p.c.BudgetPer
	if per == nil {
		return nil
	}
	calendar := periods.Of(p.c)
	names := calendar.Touched(p.out.Filter)
	if len(names) == 0 {
		day := func(n int64) string { return plan.IntValue(plan.Of(plan.KindDate), n).Text() }
		return refusal.New(plan.PosOf(p.sel.Where), "a filter that no row can pass is not permitted: the query selects no budget period").
			Suggest("dates of %q are budgeted from %s to %s", per.Column, day(per.From), day(per.To-1))
	}
	p.priced.Periods = names
	if only := calendar.Only(names); only != nil {
		p.out.Filter = canon.Conjunction(slices.Concat(canon.Conjuncts(p.out.Filter), canon.Conjuncts(only)))
	}
	return nil
}
