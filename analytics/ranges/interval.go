package ranges

import (
	"math"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

// interval encloses the values of an expression. scale is the number of
// decimals that all its values have, or unknown.
//
// The guarantee does not rest on it: each row's value is clamped to the bounds
// before it is summed, whatever they are. It only has to be public, and wide
// enough that clamping does not distort.
type interval struct {
	lo, hi float64
	scale  int
}

const unknownScale = -1

// Quantum returns how the values of an expression become integers:
// bounds by interval arithmetic on the measures' bounds, and as step the
// largest power of ten that its values are multiples of, or else the smallest
// that needs at most plan.MaxSteps steps.
func (r *Ranges) Quantum(e plan.Expr, place string) (plan.Quantum, error) {
	iv, err := r.interval(e, place)
	if err != nil {
		return plan.Quantum{}, err
	}
	if iv.scale != unknownScale {
		if q, ok := steps(iv, -iv.scale); ok {
			return q, nil
		}
	}
	for exponent := -18; exponent <= 18; exponent++ {
		if q, ok := steps(iv, exponent); ok {
			return q, nil
		}
	}
	return plan.Quantum{}, refusal.New(plan.PosOf(e), "%s of an expression with bounds [%g, %g] is not permitted: they are too far apart or too large", place, iv.lo, iv.hi).
		Suggest("scale the expression down")
}

// steps expresses an interval in steps of 10^exponent, rounded outward; false
// when that takes too many.
func steps(iv interval, exponent int) (plan.Quantum, bool) {
	unit := math.Pow10(exponent)
	lo, hi := outward(iv.lo/unit, math.Floor), outward(iv.hi/unit, math.Ceil)
	if !(math.Abs(lo) <= float64(plan.MaxStep) && math.Abs(hi) <= float64(plan.MaxStep) && hi-lo <= float64(plan.MaxSteps)) {
		return plan.Quantum{}, false
	}
	q := plan.Quantum{Mantissa: 1, Lo: int64(lo), Hi: int64(hi)}
	if exponent < 0 {
		q.Scale = -exponent
	} else {
		q.Mantissa = int64(math.Round(unit))
	}
	return q, true
}

// outward rounds to a whole step, away from the interval unless the bound is
// one up to the rounding of the arithmetic that made it.
func outward(x float64, round func(float64) float64) float64 {
	if r := math.Round(x); math.Abs(x-r) < 1e-6 {
		return r + 0 // no −0
	}
	return round(x)
}

// interval encloses a bound numeric expression.
func (r *Ranges) interval(e plan.Expr, place string) (interval, error) {
	switch e := e.(type) {
	case *plan.Literal:
		return literalInterval(e.Value), nil
	case *plan.Column:
		return r.columnInterval(e, place)
	case *plan.Cast:
		return r.castInterval(e, place)
	case *plan.Case:
		return r.hull(binding.Results(e), place)
	case *plan.Call:
		return r.callInterval(e, place)
	default:
		return interval{}, r.unbounded(e, place)
	}
}

func (r *Ranges) unbounded(e plan.Expr, place string) error {
	return refusal.New(plan.PosOf(e), "%s of an expression without bounds is not permitted", place).
		Suggest("use measures (%s), constants, +, -, *, / by a constant, ABS, ROUND, LEAST, GREATEST and CASE", refusal.Listed(r.columns.Measures()))
}

// literalInterval of NULL is empty: hull passes over it, and arithmetic with
// NULL is NULL, which is not summed.
func literalInterval(v plan.Value) interval {
	if v.Null {
		return interval{lo: math.Inf(1), hi: math.Inf(-1)}
	}
	f := v.AsFloat()
	iv := interval{lo: f, hi: f, scale: unknownScale}
	for s := range 10 { // decimals of a constant as people write them
		if x := f * math.Pow10(s); x == math.Round(x) && math.Abs(x) < 1<<53 {
			iv.scale = s
			break
		}
	}
	return iv
}

func (r *Ranges) columnInterval(c *plan.Column, place string) (interval, error) {
	col := r.columns.Column(c)
	if !col.Measure {
		return interval{}, refusal.New(c.Pos, "%s of %q is not permitted: it is a dimension and has no bounds", place, c.Name).
			Suggest("use a measure: %s", refusal.Listed(r.columns.Measures()))
	}
	return interval{lo: col.Bounds[0], hi: col.Bounds[1], scale: col.Scale}, nil
}

// hull encloses all of es.
func (r *Ranges) hull(es []plan.Expr, place string) (interval, error) {
	all := literalInterval(plan.Null(plan.Type{}))
	for _, e := range es {
		iv, err := r.interval(e, place)
		if err != nil {
			return interval{}, err
		}
		all = interval{lo: min(all.lo, iv.lo), hi: max(all.hi, iv.hi), scale: joinScale(all.scale, iv.scale, max(all.scale, iv.scale))}
	}
	return all, nil
}

func joinScale(a, b, joined int) int {
	if a == unknownScale || b == unknownScale || joined > 18 {
		return unknownScale
	}
	return joined
}

func (r *Ranges) castInterval(c *plan.Cast, place string) (interval, error) {
	arg := c.Arg
	if !binding.RowType(arg).IsNumeric() {
		return interval{}, r.unbounded(c, place)
	}
	iv, err := r.interval(arg, place)
	switch {
	case err != nil:
		return iv, err
	case c.To.IsInteger():
		return interval{lo: math.Floor(iv.lo), hi: math.Ceil(iv.hi)}, nil
	case c.To.Kind == plan.KindDecimal:
		iv.scale = int(c.To.Scale)
	}
	return iv, nil
}
