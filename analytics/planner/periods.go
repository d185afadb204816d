package planner

import (
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/analytics/roweval"
)

// periods finds the budget periods whose rows the filter can let through, and
// excludes the rows of all others from the plan.
//
// Why charging these is enough ("Budget per period"). Let K be the periods named
// here. The plan's filter is a conjunction with a condition that is true only of
// rows whose own date lies in K (datesWithin), so the exact answer is a function
// of the rows of K alone, whatever touched concludes: a mistake there could lose
// rows, and never read more. Bounding is joint per unit over all rows that pass
// the filter, so that one unit's rows in K, all together, move each draw by at
// most its sensitivity, and the query is μ-GDP for their being there
// or missing. A row's date is its own and never changes, so a unit's rows are
// partitioned by period, once and for all. An account of period k adds up the
// squared losses of exactly the queries that read k; a unit with rows in periods
// K' alone is touched only by queries that charge one of them, and its whole
// loss is at most Σ_{k∈K'} of what these accounts admit.
//
// Which periods are charged depends on the text, the contract and its public
// calendar, never on which periods have rows.
func (p *planning) periods() error {
	per := p.c.BudgetPer
	if per == nil {
		return nil
	}
	t := p.touched(p.out.Filter)
	var kept []contract.Period
	for _, period := range per.Periods() {
		if t.meets(span{period.From, period.To}) {
			kept = append(kept, period)
			p.priced.Periods = append(p.priced.Periods, period.Name)
		}
	}
	other := t.null || t.meets(span{minDay, per.From}) || t.meets(span{per.To, maxDay})
	if other {
		p.priced.Periods = append(p.priced.Periods, contract.PeriodOther)
	}
	if len(p.priced.Periods) == 0 {
		return refusal.New(plan.PosOf(p.sel.Where), "a filter that no row can pass is not permitted: the query selects no budget period").
			Suggest("dates of %q are budgeted from %s to %s", per.Column, day(per.From).Text(), day(per.To-1).Text())
	}
	slices.Sort(p.priced.Periods)
	if within := p.datesWithin(kept, other); within != nil {
		p.out.Filter = canon.Conjunction(slices.Concat(canon.Conjuncts(p.out.Filter), canon.Conjuncts(within)))
	}
	return nil
}

func day(n int64) plan.Value { return plan.IntValue(plan.Of(plan.KindDate), n) }

// datesWithin is the condition that a row's date lies in one of the periods, or
// in none of the calendar's; nil when every row does.
func (p *planning) datesWithin(kept []contract.Period, other bool) plan.Expr {
	per := p.c.BudgetPer
	runs := spansOf(kept)
	whole := len(runs) == 1 && runs[0] == span{per.From, per.To}
	if whole && other {
		return nil
	}
	var ways []plan.Expr
	for _, r := range runs {
		ways = append(ways, canon.Junction("and", []plan.Expr{p.dated(">=", r.from), p.dated("<", r.to)}, 0))
	}
	if other {
		ways = append(ways, &plan.Call{Func: "is null", Args: []plan.Expr{p.periodColumn()}}, p.dated("<", per.From), p.dated(">=", per.To))
	}
	return canon.Junction("or", ways, 0)
}

// spansOf joins periods that follow each other.
func spansOf(periods []contract.Period) []span {
	var out []span
	for _, p := range periods {
		if n := len(out); n > 0 && out[n-1].to == p.From {
			out[n-1].to = p.To
			continue
		}
		out = append(out, span{p.From, p.To})
	}
	return out
}

// dated compares the period column with the start of a day, in its own type.
func (p *planning) dated(op string, n int64) plan.Expr {
	c, v := p.periodColumn(), day(n)
	if c.Type.Kind == plan.KindTimestamp {
		v = plan.IntValue(c.Type, n*roweval.MicrosPerDay)
	}
	return &plan.Call{Func: op, Args: []plan.Expr{c, &plan.Literal{Value: v}}}
}
