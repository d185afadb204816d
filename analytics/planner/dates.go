package planner

import (
	"math"
	"slices"
	"time"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// Days before and after every date and timestamp that an engine holds: dates
// are 32 bits wide.
const (
	minDay = int64(math.MinInt32) * 2
	maxDay = int64(math.MaxInt32) * 2
)

// span is a run of days, to excluded.
type span struct{ from, to int64 }

// dates is a set of rows by the date in their period column: days, in order and
// apart, and rows without a date.
type dates struct {
	days []span
	null bool
}

func everyDate() dates { return dates{days: []span{{minDay, maxDay}}, null: true} }

func (d dates) meets(s span) bool {
	return slices.ContainsFunc(d.days, func(o span) bool { return o.from < s.to && s.from < o.to })
}

// within returns the rows that are in both.
func (d dates) within(e dates) dates {
	out := dates{null: d.null && e.null}
	for _, a := range d.days {
		for _, b := range e.days {
			if s := (span{max(a.from, b.from), min(a.to, b.to)}); s.from < s.to {
				out.days = append(out.days, s)
			}
		}
	}
	return out
}

// with returns the rows that are in one of two.
func (d dates) with(e dates) dates {
	all := slices.Concat(d.days, e.days)
	slices.SortFunc(all, func(a, b span) int { return int(max(-1, min(1, a.from-b.from))) })
	out := dates{null: d.null || e.null}
	for _, s := range all {
		if n := len(out.days); n > 0 && s.from <= out.days[n-1].to {
			out.days[n-1].to = max(out.days[n-1].to, s.to)
			continue
		}
		out.days = append(out.days, s)
	}
	return out
}

// touched returns a superset of the rows for which a condition is true: what it
// does not understand lets every row through.
func (p *planning) touched(e plan.Expr) dates {
	switch e := e.(type) {
	case *plan.Literal:
		if canon.IsTruth(e, true) {
			return everyDate()
		}
		return dates{} // false, and NULL, pass no row
	case *plan.In:
		return p.touchedIn(e)
	case *plan.Call:
		return p.touchedCall(e)
	default: // no condition at all, too
		return everyDate()
	}
}

func (p *planning) touchedCall(e *plan.Call) dates {
	switch e.Func {
	case "and":
		all := everyDate()
		for _, a := range e.Args {
			all = all.within(p.touched(a))
		}
		return all
	case "or":
		some := dates{}
		for _, a := range e.Args {
			some = some.with(p.touched(a))
		}
		return some
	case "not":
		return p.touchedNot(e)
	case "is null":
		if p.isPeriod(e.Args[0]) {
			return dates{null: true}
		}
	case "is not null":
		if p.isPeriod(e.Args[0]) {
			return dates{days: everyDate().days}
		}
	case "=", "<>", "<", "<=", ">", ">=":
		if lit, ok := e.Args[1].(*plan.Literal); ok && !lit.Value.Null {
			return p.compared(e.Func, e.Args[0], lit.Value)
		}
	}
	return everyDate()
}

// touchedNot moves NOT inwards: NOT (a OR b) is true where both a and b are
// false, and NOT (a AND b) where one of them is.
func (p *planning) touchedNot(e *plan.Call) dates {
	inner, ok := e.Args[0].(*plan.Call)
	if !ok || inner.Func != "and" && inner.Func != "or" {
		return everyDate()
	}
	dual := &plan.Call{Func: "and"}
	if inner.Func == "and" {
		dual.Func = "or"
	}
	for _, a := range inner.Args {
		dual.Args = append(dual.Args, canon.Simplify(&plan.Call{Func: "not", Args: []plan.Expr{a}}))
	}
	return p.touchedCall(dual)
}

// touchedIn is a comparison with each element.
func (p *planning) touchedIn(e *plan.In) dates {
	some := dates{}
	for _, item := range e.List {
		if e.Not {
			return p.compared("<>", e.Arg, item.(*plan.Literal).Value)
		}
		some = some.with(p.compared("=", e.Arg, item.(*plan.Literal).Value))
	}
	return some
}

// compared is a comparison of a non-decreasing function f of the date with a
// constant v, which NULL does not pass. With a the first moment at which f ≥ v
// and b the first at which f > v, f = v on [a, b), f < v before a, and so on.
func (p *planning) compared(op string, f plan.Expr, v plan.Value) dates {
	a, b, ok := p.moments(f, v)
	if !ok {
		return everyDate()
	}
	from, to := minDay, maxDay
	switch op {
	case "=":
		if a >= b { // f skips v
			return dates{}
		}
		from, to = roweval.FloorDay(a), ceilDay(b)
	case ">=":
		from = roweval.FloorDay(a)
	case ">":
		from = roweval.FloorDay(b)
	case "<":
		to = ceilDay(a)
	case "<=":
		to = ceilDay(b)
	default: // "<>"
	}
	return dates{days: []span{{from, to}}}
}

// moments returns the first microseconds of f ≥ v and of f > v, for the
// functions of the period column that touched understands: itself, its casts
// between date and timestamp, year, and date_trunc. Where these are NULL, for
// years beyond 1 to 9999, they pass no comparison, and the answer covers more.
func (p *planning) moments(f plan.Expr, v plan.Value) (a, b int64, ok bool) {
	if c, isCall := f.(*plan.Call); isCall {
		switch {
		case c.Func == "year" && p.isTime(c.Args[0]) && v.Int >= 1 && v.Int <= 9999:
			year := func(y int64) int64 { return time.Date(int(y), 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() }
			return year(v.Int), year(v.Int + 1), true
		case c.Func == "date_trunc" && p.isTime(c.Args[1]):
			if a, b, ok = moment(v); !ok {
				return 0, 0, false
			}
			start, next := roweval.Truncate(c.Args[0].(*plan.Literal).Value.Str, time.UnixMicro(a).UTC())
			if v.Type.Kind == plan.KindDate && next.Sub(start) < 24*time.Hour {
				return a, b, true // a day is not divided
			}
			if start.UnixMicro() == a {
				return a, next.UnixMicro(), true
			}
			return next.UnixMicro(), next.UnixMicro(), true
		}
		return 0, 0, false
	}
	if !p.isTime(f) {
		return 0, 0, false
	}
	return moment(v)
}

// isTime reports whether an expression is the period column or a cast of it to a
// date or a timestamp.
func (p *planning) isTime(e plan.Expr) bool {
	if c, ok := e.(*plan.Cast); ok && (c.To.Kind == plan.KindDate || c.To.Kind == plan.KindTimestamp) {
		e = c.Arg
	}
	return p.isPeriod(e)
}

// moment returns the first microsecond of a date or timestamp, and the first
// after it; false beyond the years 1 to 9999.
func moment(v plan.Value) (a, b int64, ok bool) {
	switch {
	case v.Type.Kind == plan.KindDate && abs(v.Int) < 10_000*366:
		a, b = v.Int*roweval.MicrosPerDay, (v.Int+1)*roweval.MicrosPerDay
	case v.Type.Kind == plan.KindTimestamp:
		a, b = v.Int, v.Int+1
	default:
		return 0, 0, false
	}
	return a, b, roweval.Sane(time.UnixMicro(a).UTC())
}

func ceilDay(micros int64) int64 { return -roweval.FloorDay(-micros) }

func abs(n int64) int64 { return max(n, -n) }
