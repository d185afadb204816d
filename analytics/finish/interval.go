package finish

import (
	"math"

	"github.com/noised/noised/analytics/estimate"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/scalar"
)

// span is a closed interval of numbers.
type span struct{ lo, hi float64 }

// spanOf propagates intervals of the aggregates through arithmetic: if every
// aggregate lies in its interval, the expression lies in the result. It reports
// false where an expression has no useful interval (a divisor that may be zero,
// a CASE, a comparison).
func spanOf(e plan.Expr, keys []plan.Value, aggs []estimate.Estimate) (span, bool) {
	switch e := e.(type) {
	case *plan.Literal:
		return point(e.Value)
	case *plan.KeyRef:
		return point(keys[e.Index])
	case *plan.AggRef:
		a := aggs[e.Index]
		return span{a.Low.AsFloat(), a.High.AsFloat()}, true
	case *plan.Cast:
		if !e.To.IsNumeric() {
			return span{}, false
		}
		s, ok := spanOf(e.Arg, keys, aggs)
		if e.To.IsInteger() {
			s = span{math.RoundToEven(s.lo), math.RoundToEven(s.hi)}
		}
		return s, ok
	case *plan.Call:
		var room [3]span
		args := room[:0]
		for _, a := range e.Args {
			s, ok := spanOf(a, keys, aggs)
			if !ok {
				return span{}, false
			}
			args = append(args, s)
		}
		return spanCall(e, args)
	case *plan.In, *plan.Case, *plan.Column, *plan.Aggregate, *plan.OutputRef:
	}
	return span{}, false
}

func point(v plan.Value) (span, bool) {
	f := v.AsFloat()
	return span{f, f}, !math.IsNaN(f)
}

func spanCall(e *plan.Call, args []span) (span, bool) {
	switch e.Func {
	case "+":
		if len(args) == 1 {
			return args[0], true
		}
		return span{args[0].lo + args[1].lo, args[0].hi + args[1].hi}, true
	case "-":
		if len(args) == 1 {
			return span{-args[0].hi, -args[0].lo}, true
		}
		return span{args[0].lo - args[1].hi, args[0].hi - args[1].lo}, true
	case "*":
		return corners(args[0], args[1], func(x, y float64) float64 { return x * y }), true
	case "/":
		if args[1].lo <= 0 && args[1].hi >= 0 {
			return span{}, false
		}
		return corners(args[0], args[1], func(x, y float64) float64 { return x / y }), true
	case "round", "floor", "ceil": // monotone
		ends := make([]float64, 2)
		for i, x := range []float64{args[0].lo, args[0].hi} {
			vals := []plan.Value{plan.FloatValue(x)}
			if len(e.Args) > 1 {
				vals = append(vals, plan.IntValue(plan.Of(plan.KindBigint), int64(args[1].lo)))
			}
			v, err := scalar.Call(e.Func, vals)
			if err != nil || v.Null {
				return span{}, false
			}
			ends[i] = v.Float
		}
		return span{ends[0], ends[1]}, true
	}
	return span{}, false
}

func corners(a, b span, f func(x, y float64) float64) span {
	p, q, r, s := f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)
	return span{min(p, q, r, s), max(p, q, r, s)}
}
