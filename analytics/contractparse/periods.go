package contractparse

import (
	"math"
	"time"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/analytics/plan"
)

// budgetPer reads {column:, every:, from?:, to?:}. The columns must have been
// read before. The calendar is part of the contract and never follows the data:
// when a period exists and what it is called is known before any row is.
func (r *reader) budgetPer(c *contract.Contract, n *document.Node) {
	o, ok := r.Object(n, "budget_per", "column", "every", "from", "to")
	if !ok {
		return
	}
	col, okColumn := r.periodColumn(c, o)
	every, okEvery := o.Text("every")
	if okEvery && !contract.IsStep(every) {
		r.Problem(o.LineOf("every"), o.Path("every"), "must be day, week or month, not %q", document.Shorten(every))
		okEvery = false
	}
	first, last, ok := r.periodEnds(o, col, okColumn)
	if !ok || !okColumn || !okEvery {
		return
	}
	b := contract.PerPeriod(col.Name, every, first, last)
	if !b.Within(contract.MaxPeriods) {
		r.Problem(o.Line, o.Field, "has more than %d periods: choose longer ones or a shorter calendar", contract.MaxPeriods)
		return
	}
	c.BudgetPer = b
}

func (r *reader) periodColumn(c *contract.Contract, o document.Object) (contract.Column, bool) {
	name, ok := o.Text("column")
	if !ok {
		return contract.Column{}, false
	}
	line, field := o.LineOf("column"), o.Path("column")
	col, ok := c.Column(name)
	switch {
	case !ok:
		r.Problem(line, field, "%q is not one of the columns", document.Shorten(name))
	case col.Role == "" || col.Type.Kind == plan.KindUnknown: // reported where it is declared
	case col.Role != contract.RoleDimension || col.Type.Kind != plan.KindDate && col.Type.Kind != plan.KindTimestamp:
		r.Problem(line, field, "%q is not a dimension of type date or timestamp", name)
	default:
		return col, true
	}
	return contract.Column{}, false
}

// periodEnds returns the days of the calendar's ends, both included: as given,
// or the first and the last value that the column declares.
func (r *reader) periodEnds(o document.Object, col contract.Column, okColumn bool) (first, last int64, ok bool) {
	if o.Has("from") || o.Has("to") {
		date := plan.Of(plan.KindDate)
		from, okFrom := r.Day(o, "from", date)
		to, okTo := r.Day(o, "to", date)
		if okFrom && okTo && from.After(to) {
			r.Problem(o.LineOf("from"), o.Path("from"), "must not be after to")
			okTo = false
		}
		return contract.DayOf(from), contract.DayOf(to), okFrom && okTo
	}
	if !okColumn {
		return 0, 0, false
	}
	if len(col.Domain) == 0 {
		if col.Private { // else the domain has a problem of its own
			r.Problem(o.Line, o.Field, "needs a public calendar: give from and to, or declare the domain of %q", col.Name)
		}
		return 0, 0, false
	}
	first, last = math.MaxInt64, math.MinInt64
	for _, v := range col.Domain {
		day := v.Int
		if v.Type.Kind == plan.KindTimestamp {
			day = contract.DayOf(time.UnixMicro(v.Int))
		}
		first, last = min(first, day), max(last, day)
	}
	return first, last, true
}
