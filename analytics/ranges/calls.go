package ranges

import (
	"math"

	"github.com/noised/noised/analytics/plan"
)

func (r *Ranges) callInterval(c *plan.Call, place string) (interval, error) {
	if fixed, ok := fixedIntervals[c.Func]; ok {
		return fixed, nil
	}
	switch c.Func {
	case "coalesce":
		return r.hull(c.Args, place)
	case "least", "greatest":
		return r.extreme(c, place)
	}
	var ivs []interval
	for i, a := range c.Args {
		if i > 0 && (c.Func == "round" || c.Func == "nullif" || c.Func == "width_bucket") {
			break
		}
		iv, err := r.interval(a, place)
		if err != nil {
			return iv, err
		}
		ivs = append(ivs, iv)
	}
	iv, ok := combine(c, ivs)
	if !ok || math.IsNaN(iv.lo) || math.IsNaN(iv.hi) || math.IsInf(iv.lo, 0) || math.IsInf(iv.hi, 0) {
		return iv, r.unbounded(c, place)
	}
	return iv, nil
}

// extreme encloses the least or greatest of its arguments. They pass over NULLs,
// so that any argument may be the result; but a constant is never NULL.
func (r *Ranges) extreme(c *plan.Call, place string) (interval, error) {
	iv, err := r.hull(c.Args, place)
	for _, a := range c.Args {
		lit, ok := a.(*plan.Literal)
		switch {
		case !ok || lit.Value.Null:
		case c.Func == "least":
			iv.hi = min(iv.hi, lit.Value.AsFloat())
			iv.lo = min(iv.lo, iv.hi)
		default:
			iv.lo = max(iv.lo, lit.Value.AsFloat())
			iv.hi = max(iv.lo, iv.hi)
		}
	}
	return iv, err
}

// fixedIntervals are those of functions whose range does not depend on their
// arguments.
var fixedIntervals = map[string]interval{
	"sign": {lo: -1, hi: 1}, "year": {lo: 1, hi: 9999}, "quarter": {lo: 1, hi: 4}, "month": {lo: 1, hi: 12},
	"day": {lo: 1, hi: 31}, "dayofweek": {lo: 0, hi: 6},
}

// combine applies a function to intervals.
func combine(c *plan.Call, ivs []interval) (interval, bool) {
	a := ivs[0]
	switch c.Func {
	case "nullif":
		return a, true
	case "floor", "ceil", "round":
		return rounded(c, a), true
	case "sqrt", "ln", "log10", "exp", "width_bucket":
		return increasing(c, a)
	case "abs":
		if a.lo >= 0 {
			return a, true
		}
		return interval{lo: max(0, -a.hi), hi: max(-a.lo, a.hi), scale: a.scale}, true
	}
	if len(ivs) == 1 {
		return interval{lo: -a.hi, hi: -a.lo, scale: a.scale}, c.Func == "-"
	}
	b := ivs[1]
	switch c.Func {
	case "+":
		return interval{lo: a.lo + b.lo, hi: a.hi + b.hi, scale: joinScale(a.scale, b.scale, max(a.scale, b.scale))}, true
	case "-":
		return interval{lo: a.lo - b.hi, hi: a.hi - b.lo, scale: joinScale(a.scale, b.scale, max(a.scale, b.scale))}, true
	case "*":
		return corners(a, b, func(x, y float64) float64 { return x * y }, joinScale(a.scale, b.scale, a.scale+b.scale)), true
	case "/":
		if b.lo <= 0 && b.hi >= 0 {
			return a, false
		}
		return corners(a, b, func(x, y float64) float64 { return x / y }, unknownScale), true
	case "power":
		return powers(a, b)
	case "//":
		return interval{lo: math.Trunc(a.lo / b.lo), hi: math.Trunc(a.hi / b.lo)}, true
	case "%":
		k := b.lo - 1
		return interval{lo: min(0, max(-k, a.lo)), hi: max(0, min(k, a.hi))}, true
	}
	return a, false
}

// rounded rounds both ends: rounding keeps order.
func rounded(c *plan.Call, a interval) interval {
	round, digits := map[string]func(float64) float64{"floor": math.Floor, "ceil": math.Ceil, "round": math.Round}[c.Func], 0
	if len(c.Args) > 1 {
		digits = int(c.Args[1].(*plan.Literal).Value.Int)
	}
	unit := math.Pow10(digits)
	return interval{lo: round(a.lo*unit) / unit, hi: round(a.hi*unit) / unit, scale: digits}
}

// increasing applies a function that grows with its argument, where it is not
// NULL. Engines differ in the last digit of a logarithm, so an end that is all but
// whole is taken as whole.
func increasing(c *plan.Call, a interval) (interval, bool) {
	at := func(f func(float64) float64) (interval, bool) {
		return interval{lo: f(a.lo), hi: f(a.hi), scale: unknownScale}, true
	}
	snapped := func(f func(float64) float64) func(float64) float64 {
		return func(x float64) float64 {
			y := f(x)
			if r := math.Round(y); math.Abs(y-r) < 1e-12*math.Abs(r) {
				return r
			}
			return y
		}
	}
	switch c.Func {
	case "sqrt":
		a.lo = max(a.lo, 0)
		return at(math.Sqrt)
	case "ln":
		return at(snapped(naturalLog)) // of 0: no bound
	case "log10":
		return at(snapped(decimalLog))
	case "exp":
		return at(math.Exp)
	}
	bucket := func(x float64) float64 {
		n, _ := plan.WidthBucket(x, c.Args[1].(*plan.Literal).Value.Float, c.Args[2].(*plan.Literal).Value.Float, c.Args[3].(*plan.Literal).Value.Int)
		return float64(n)
	}
	return interval{lo: bucket(a.lo), hi: bucket(a.hi)}, true
}

// naturalLog and decimalLog are math.Log and math.Log10, which on some processors take
// the numbers below the least normal one for that one, while the engine does not.
func naturalLog(x float64) float64 {
	shift := below(x)
	return math.Log(math.Ldexp(x, shift)) - float64(shift)*math.Ln2
}

func decimalLog(x float64) float64 {
	shift := below(x)
	return math.Log10(math.Ldexp(x, shift)) - float64(shift)*(math.Ln2/math.Ln10)
}

// below returns by how many powers of 2 a number is to be raised to be a normal one.
func below(x float64) int {
	if x > 0 && x < 0x1p-1022 {
		return 52
	}
	return 0
}

// powers raises to a constant power. A negative base has powers with whole
// exponents only, whose extremes lie at the ends and at 0.
func powers(a, b interval) (interval, bool) {
	y := b.lo
	if b.hi != y {
		return a, false
	}
	if y != math.Trunc(y) {
		a.lo = max(a.lo, 0)
	}
	iv := corners(a, b, math.Pow, unknownScale)
	if a.lo < 0 && a.hi > 0 {
		zero := math.Pow(0, y) // infinite for negative y: no bound
		iv.lo, iv.hi = min(iv.lo, zero), max(iv.hi, zero)
	}
	return iv, true
}

func corners(a, b interval, f func(x, y float64) float64, scale int) interval {
	w, x, y, z := f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)
	return interval{lo: min(w, x, y, z), hi: max(w, x, y, z), scale: scale}
}
