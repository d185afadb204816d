package contract

import (
	"math"
	"slices"
	"time"

	"github.com/noised/noised/analytics/plan"
)

// MaxPeriods is the largest number of periods of a budget_per.
const MaxPeriods = 10_000

const (
	everyDay   = "day"
	everyWeek  = "week"
	everyMonth = "month"

	secondsPerDay = 86_400
)

var calendarSteps = []string{everyDay, everyWeek, everyMonth}

// budgetPer reads {column:, every:, from?:, to?:}. The columns must have been
// read before. The calendar is part of the contract and never follows the data:
// when a period exists and what it is called is known before any row is.
func (r *reader) budgetPer(c *Contract, n *node) {
	o, ok := r.object(n, "budget_per", "column", "every", "from", "to")
	if !ok {
		return
	}
	col, okColumn := r.periodColumn(c, o)
	every, okEvery := o.text("every")
	if okEvery && !slices.Contains(calendarSteps, every) {
		r.problem(o.lineOf("every"), o.path("every"), "must be day, week or month, not %q", shorten(every))
		okEvery = false
	}
	first, last, ok := r.periodEnds(o, col, okColumn)
	if !ok || !okColumn || !okEvery {
		return
	}
	b := &BudgetPer{Column: col.Name, Every: every}
	b.From = dayOf(b.start(dateOf(first)))
	b.To = dayOf(b.next(b.start(dateOf(last))))
	if !b.within(MaxPeriods) {
		r.problem(o.line, o.field, "has more than %d periods: choose longer ones or a shorter calendar", MaxPeriods)
		return
	}
	c.BudgetPer = b
}

func (r *reader) periodColumn(c *Contract, o object) (Column, bool) {
	name, ok := o.text("column")
	if !ok {
		return Column{}, false
	}
	line, field := o.lineOf("column"), o.path("column")
	col, ok := c.Column(name)
	switch {
	case !ok:
		r.problem(line, field, "%q is not one of the columns", shorten(name))
	case col.Role == "" || col.Type.Kind == plan.KindUnknown: // reported where it is declared
	case col.Role != RoleDimension || col.Type.Kind != plan.KindDate && col.Type.Kind != plan.KindTimestamp:
		r.problem(line, field, "%q is not a dimension of type date or timestamp", name)
	default:
		return col, true
	}
	return Column{}, false
}

// periodEnds returns the days of the calendar's ends, both included: as given,
// or the first and the last value that the column declares.
func (r *reader) periodEnds(o object, col Column, okColumn bool) (first, last int64, ok bool) {
	if o.has("from") || o.has("to") {
		date := plan.Of(plan.KindDate)
		from, okFrom := r.end(o, "from", date)
		to, okTo := r.end(o, "to", date)
		if okFrom && okTo && from.After(to) {
			r.problem(o.lineOf("from"), o.path("from"), "must not be after to")
			okTo = false
		}
		return dayOf(from), dayOf(to), okFrom && okTo
	}
	if !okColumn {
		return 0, 0, false
	}
	if len(col.Domain) == 0 {
		if col.Private { // else the domain has a problem of its own
			r.problem(o.line, o.field, "needs a public calendar: give from and to, or declare the domain of %q", col.Name)
		}
		return 0, 0, false
	}
	first, last = math.MaxInt64, math.MinInt64
	for _, v := range col.Domain {
		day := v.Int
		if v.Type.Kind == plan.KindTimestamp {
			day = floorDiv(v.Int, secondsPerDay*1_000_000)
		}
		first, last = min(first, day), max(last, day)
	}
	return first, last, true
}

// Same reports whether two contracts give their rows the same periods; nil is a
// contract without.
func (b *BudgetPer) Same(other *BudgetPer) bool {
	if b == nil || other == nil {
		return b == other
	}
	return *b == *other
}

// Periods returns the periods of the calendar in order, PeriodOther not
// included.
func (b *BudgetPer) Periods() []Period {
	var out []Period
	for at := dateOf(b.From); dayOf(at) < b.To; {
		next := b.next(at)
		out = append(out, Period{Name: at.Format(time.DateOnly), From: dayOf(at), To: dayOf(next)})
		at = next
	}
	return out
}

// PeriodOf returns the name of the period of a date, in days since 1970.
func (b *BudgetPer) PeriodOf(days int64) string {
	if days < b.From || days >= b.To {
		return PeriodOther
	}
	return b.start(dateOf(days)).Format(time.DateOnly)
}

// within reports whether there are at most n periods, without listing them.
func (b *BudgetPer) within(n int) bool {
	at := dateOf(b.From)
	for range n {
		if at = b.next(at); dayOf(at) >= b.To {
			return true
		}
	}
	return false
}

// start is the first day of the period that has the day. Weeks begin on Monday.
func (b *BudgetPer) start(day time.Time) time.Time {
	switch b.Every {
	case everyMonth:
		return day.AddDate(0, 0, 1-day.Day())
	case everyWeek:
		return day.AddDate(0, 0, -int((day.Weekday()+6)%7))
	default:
		return day
	}
}

// next is the first day of the period after the one that starts at the day.
func (b *BudgetPer) next(start time.Time) time.Time {
	switch b.Every {
	case everyMonth:
		return start.AddDate(0, 1, 0)
	case everyWeek:
		return start.AddDate(0, 0, 7)
	default:
		return start.AddDate(0, 0, 1)
	}
}

func dateOf(days int64) time.Time { return time.Unix(days*secondsPerDay, 0).UTC() }

func dayOf(at time.Time) int64 { return floorDiv(at.Unix(), secondsPerDay) }

// floorDiv rounds down, so that a moment before 1970 belongs to its own day.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
