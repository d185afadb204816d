package finish

import (
	"math"

	"github.com/noised/noised/analytics/estimate"
	"github.com/noised/noised/analytics/plan"
)

// linearForm is an expression of which it is known, before any value is, how far
// it may be from the truth: a constant, or offsets.
type linearForm struct {
	estimate.Expectation
	constant bool
	value    float64 // of a constant
}

// linear propagates offsets of aggregates through sums, differences, and
// products and quotients with constants; it reports false for everything else.
func linear(e plan.Expr, of func(agg int) estimate.Expectation) (linearForm, bool) {
	switch e := e.(type) {
	case *plan.AggRef:
		return linearForm{Expectation: of(e.Index)}, true
	case *plan.Literal:
		v := e.Value.AsFloat()
		return linearForm{constant: true, value: v}, !math.IsNaN(v) && !math.IsInf(v, 0)
	case *plan.Cast:
		l, ok := linear(e.Arg, of)
		return l, ok && e.To.Kind == plan.KindDouble
	case *plan.Call:
		args := make([]linearForm, len(e.Args))
		for i, a := range e.Args {
			l, ok := linear(a, of)
			if !ok {
				return linearForm{}, false
			}
			args[i] = l
		}
		switch len(args) {
		case 1:
			return signed(e.Func, args[0])
		case 2:
			return combined(e.Func, args[0], args[1])
		}
	default:
	}
	return linearForm{}, false
}

func signed(op string, a linearForm) (linearForm, bool) {
	if op == "-" {
		return a.times(-1), true
	}
	return a, op == "+"
}

func combined(op string, a, b linearForm) (linearForm, bool) {
	switch {
	case a.constant && b.constant: // folded by the planner
		return linearForm{}, false
	case op == "+":
		return a.plus(b), true
	case op == "-":
		return a.plus(b.times(-1)), true
	case op == "*" && a.constant:
		return b.times(a.value), true
	case op == "*" && b.constant:
		return a.times(b.value), true
	case op == "/" && b.constant && b.value != 0:
		return a.times(1 / b.value), true
	}
	return linearForm{}, false
}

// plus adds two forms of which at most one is constant.
func (l linearForm) plus(m linearForm) linearForm {
	return linearForm{Expectation: estimate.Expectation{Low: l.Low + m.Low, High: l.High + m.High, ByRows: l.ByRows || m.ByRows}}
}

func (l linearForm) times(k float64) linearForm {
	low, high := l.Low*k, l.High*k
	return linearForm{
		Expectation: estimate.Expectation{Low: min(low, high), High: max(low, high), ByRows: l.ByRows},
		constant:    l.constant, value: l.value * k,
	}
}
