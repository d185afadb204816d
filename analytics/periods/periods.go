package periods

import (
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// Calendar has the budget periods of a dataset and the column by whose date rows
// are charged.
type Calendar struct {
	per    *contract.BudgetPer
	column contract.Column
}

// Of returns the calendar of a contract that has a budget per period.
func Of(c *contract.Contract) Calendar {
	column, _ := c.Column(c.BudgetPer.Column)
	return Calendar{c.BudgetPer, column}
}

// date returns the period column, bound.
func (c Calendar) date() *plan.Column {
	return &plan.Column{Name: c.column.Name, Type: c.column.Type}
}

// Touched returns the names of the periods whose rows a bound condition can let
// through, sorted; nil when it passes no row. It depends on the text, the
// contract and its public calendar, never on which periods have rows.
func (c Calendar) Touched(filter plan.Expr) []string {
	t := c.touched(filter)
	var names []string
	for _, period := range c.per.Periods() {
		if t.meets(span{period.From, period.To}) {
			names = append(names, period.Name)
		}
	}
	if t.null || t.meets(span{minDay, c.per.From}) || t.meets(span{c.per.To, maxDay}) {
		names = append(names, contract.PeriodOther)
	}
	slices.Sort(names)
	return names
}

// Only returns the condition that a row's date lies in one of the periods of
// these names; nil when every row's does.
func (c Calendar) Only(names []string) plan.Expr {
	named := map[string]bool{}
	for _, name := range names {
		named[name] = true
	}
	kept := slices.DeleteFunc(c.per.Periods(), func(p contract.Period) bool { return !named[p.Name] })
	runs, other := spansOf(kept), named[contract.PeriodOther]
	whole := len(runs) == 1 && runs[0] == span{c.per.From, c.per.To}
	if whole && other {
		return nil
	}
	var ways []plan.Expr
	for _, r := range runs {
		ways = append(ways, canon.Junction("and", []plan.Expr{c.dated(">=", r.from), c.dated("<", r.to)}, 0))
	}
	if other {
		ways = append(ways, &plan.Call{Func: "is null", Args: []plan.Expr{c.date()}}, c.dated("<", c.per.From), c.dated(">=", c.per.To))
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
func (c Calendar) dated(op string, n int64) plan.Expr {
	v := plan.IntValue(c.column.Type, n)
	if c.column.Type.Kind == plan.KindTimestamp {
		v.Int *= roweval.MicrosPerDay
	}
	return &plan.Call{Func: op, Args: []plan.Expr{c.date(), &plan.Literal{Value: v}}}
}
