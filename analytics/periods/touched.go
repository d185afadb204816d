package periods

import (
	"time"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// touched returns a superset of the rows for which a condition is true: what it
// does not understand lets every row through.
func (c Calendar) touched(e plan.Expr) dates {
	switch e := e.(type) {
	case *plan.Literal:
		if canon.IsTruth(e, true) {
			return everyDate()
		}
		return dates{} // false, and NULL, pass no row
	case *plan.In:
		return c.touchedIn(e)
	case *plan.Call:
		return c.touchedCall(e)
	default: // no condition at all, too
		return everyDate()
	}
}

func (c Calendar) touchedCall(e *plan.Call) dates {
	switch e.Func {
	case "and":
		all := everyDate()
		for _, a := range e.Args {
			all = all.within(c.touched(a))
		}
		return all
	case "or":
		some := dates{}
		for _, a := range e.Args {
			some = some.with(c.touched(a))
		}
		return some
	case "not":
		return c.touchedNot(e)
	case "is null":
		if c.isDate(e.Args[0]) {
			return dates{null: true}
		}
	case "is not null":
		if c.isDate(e.Args[0]) {
			return dates{days: everyDate().days}
		}
	case "=", "<>", "<", "<=", ">", ">=":
		if lit, ok := e.Args[1].(*plan.Literal); ok && !lit.Value.Null {
			return c.compared(e.Func, e.Args[0], lit.Value)
		}
	}
	return everyDate()
}

// touchedNot moves NOT inwards: NOT (a OR b) is true where both a and b are
// false, and NOT (a AND b) where one of them is.
func (c Calendar) touchedNot(e *plan.Call) dates {
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
	return c.touchedCall(dual)
}

// touchedIn is a comparison with each element.
func (c Calendar) touchedIn(e *plan.In) dates {
	some := dates{}
	for _, item := range e.List {
		if e.Not {
			return c.compared("<>", e.Arg, item.(*plan.Literal).Value)
		}
		some = some.with(c.compared("=", e.Arg, item.(*plan.Literal).Value))
	}
	return some
}

// compared is a comparison of a non-decreasing function f of the date with a
// constant v, which NULL does not pass. With a the first moment at which f ≥ v
// and b the first at which f > v, f = v on [a, b), f < v before a, and so on.
func (c Calendar) compared(op string, f plan.Expr, v plan.Value) dates {
	a, b, ok := c.moments(f, v)
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
func (c Calendar) moments(f plan.Expr, v plan.Value) (a, b int64, ok bool) {
	if call, isCall := f.(*plan.Call); isCall {
		switch {
		case call.Func == "year" && c.isTime(call.Args[0]) && v.Int >= 1 && v.Int <= 9999:
			year := func(y int64) int64 { return time.Date(int(y), 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() }
			return year(v.Int), year(v.Int + 1), true
		case call.Func == "date_trunc" && c.isTime(call.Args[1]):
			if a, b, ok = moment(v); !ok {
				return 0, 0, false
			}
			start, next := roweval.Truncate(call.Args[0].(*plan.Literal).Value.Str, time.UnixMicro(a).UTC())
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
	if !c.isTime(f) {
		return 0, 0, false
	}
	return moment(v)
}

// isDate reports whether a bound expression is the period column.
func (c Calendar) isDate(e plan.Expr) bool {
	column, ok := e.(*plan.Column)
	return ok && column.Name == c.column.Name
}

// isTime reports whether an expression is the period column or a cast of it to a
// date or a timestamp.
func (c Calendar) isTime(e plan.Expr) bool {
	if cast, ok := e.(*plan.Cast); ok && (cast.To.Kind == plan.KindDate || cast.To.Kind == plan.KindTimestamp) {
		e = cast.Arg
	}
	return c.isDate(e)
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
