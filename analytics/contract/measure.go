package contract

import (
	"math/big"

	"github.com/noised/noised/analytics/plan"
)

// measure reads the bounds and the resolution of a column that is summed.
func (r *reader) measure(col *Column, o object) {
	o.forbid(RoleMeasure, "domain")
	if col.Type.Kind != plan.KindUnknown && !col.Type.IsNumeric() {
		r.problem(o.lineOf("type"), o.path("type"), "a measure is a number, not a %s: use role: dimension", col.Type)
		return
	}
	n, ok := o.at["bounds"], o.has("bounds")
	if !ok {
		r.problem(o.line, o.path("bounds"), "is required: every measure has bounds, e.g. bounds: [0, 100]")
		return
	}
	if col.Type.Kind == plan.KindUnknown {
		return
	}
	lo, hi, ok := r.bounds(n, o.path("bounds"), col.Type)
	if !ok {
		return
	}
	for i, b := range []*big.Rat{lo, hi} {
		col.Bounds[i], _ = b.Float64()
		col.BoundsText[i] = decimalString(b, maxScale)
	}
	r.resolution(col, o, lo, hi)
}

// bounds reads [lo, hi] and compares it with the type.
func (r *reader) bounds(n *node, field string, t plan.Type) (lo, hi *big.Rat, ok bool) {
	if n.kind != kindSequence || len(n.items) != 2 {
		r.problem(n.line, field, "must be a list of two numbers: [lower, upper]")
		return nil, nil, false
	}
	lo, okLo := r.bound(n.items[0], field, t)
	hi, okHi := r.bound(n.items[1], field, t)
	if !okLo || !okHi {
		return nil, nil, false
	}
	if lo.Cmp(hi) >= 0 {
		r.problem(n.line, field, "the lower bound must be below the upper one")
		return nil, nil, false
	}
	return lo, hi, true
}

func (r *reader) bound(n *node, field string, t plan.Type) (*big.Rat, bool) {
	v, ok := r.decimal(n, field)
	if !ok {
		return nil, false
	}
	scale := typeScale(t)
	if _, whole := unscaled(v, scale); !whole {
		r.problem(n.line, field, "%s has more than the %d decimals of a %s", shorten(n.text), scale, t)
		return nil, false
	}
	if lo, hi, limited := typeRange(t); limited && (v.Cmp(lo) < 0 || v.Cmp(hi) > 0) {
		r.problem(n.line, field, "%s is outside the range of a %s", shorten(n.text), t)
		return nil, false
	}
	return v, true
}

// resolution reads or derives the step of a measure and checks that the
// bounds are a manageable number of steps.
func (r *reader) resolution(col *Column, o object, lo, hi *big.Rat) {
	finest := Resolution{Mantissa: 1, Scale: typeScale(col.Type)}
	n := o.at["resolution"]
	switch {
	case n != nil:
		res, ok := r.step(n, o.path("resolution"), col.Type)
		if !ok {
			return
		}
		col.Resolution = res
	case col.Type.Kind == plan.KindDouble:
		r.problem(o.line, o.path("resolution"), "is required for a double%s", suggest(usual(lo, hi), lo, hi))
		return
	default:
		col.Resolution = finest
	}
	if _, err := col.Resolution.quantum(lo, hi); err != nil {
		at := o.lineOf("bounds")
		if n != nil {
			at = n.line
		}
		r.problem(at, o.path("resolution"), "bounds from %s to %s are not a manageable number of steps of %s (between 1 and %d, at most %d from 0)%s",
			decimalString(lo, maxScale), decimalString(hi, maxScale), col.Resolution, plan.MaxSteps, plan.MaxStep, suggest(finest, lo, hi))
	}
}

func (r *reader) step(n *node, field string, t plan.Type) (Resolution, bool) {
	v, ok := r.decimal(n, field)
	if !ok {
		return Resolution{}, false
	}
	scale, exact := decimals(v, typeScale(t))
	if !exact {
		r.problem(n.line, field, "%s has more than the %d decimals of a %s", shorten(n.text), typeScale(t), t)
		return Resolution{}, false
	}
	mantissa, _ := unscaled(v, scale)
	if mantissa.Sign() <= 0 || !mantissa.IsInt64() {
		r.problem(n.line, field, "must be a positive number of at most 18 digits, not %s", shorten(n.text))
		return Resolution{}, false
	}
	return Resolution{Mantissa: mantissa.Int64(), Scale: scale}, true
}

// typeScale is the number of decimals that a type distinguishes.
func typeScale(t plan.Type) int {
	switch t.Kind {
	case plan.KindDecimal:
		return int(t.Scale)
	case plan.KindDouble:
		return maxScale
	default:
		return 0
	}
}

// typeRange returns the least and the largest number of a type; false for a
// double, which any bound fits.
func typeRange(t plan.Type) (lo, hi *big.Rat, limited bool) {
	switch {
	case t.IsInteger():
		l, h := t.IntegerRange()
		return new(big.Rat).SetInt64(l), new(big.Rat).SetInt64(h), true
	case t.Kind == plan.KindDecimal:
		largest := new(big.Int).Sub(pow10(int(t.Precision)), big.NewInt(1))
		hi = new(big.Rat).SetFrac(largest, pow10(int(t.Scale)))
		return new(big.Rat).Neg(hi), hi, true
	default:
		return nil, nil, false
	}
}

// suggest names the finest resolution of the form 1, 2 or 5 times a power of
// ten, not finer than the given one, under which the bounds are valid.
func suggest(finest Resolution, lo, hi *big.Rat) string {
	for exp := -maxScale; exp <= maxScale; exp++ {
		for _, digit := range []int64{1, 2, 5} {
			res := Resolution{Mantissa: digit, Scale: max(0, -exp)}
			if exp > 0 {
				res.Mantissa *= pow10(exp).Int64()
			}
			if res.Rat().Cmp(finest.Rat()) < 0 {
				continue
			}
			if q, err := res.quantum(lo, hi); err == nil && q.Hi > q.Lo {
				return "; use resolution: " + res.String()
			}
		}
	}
	return ""
}

// usual is the resolution that gives about a million steps, which no chart
// can tell from the exact value.
func usual(lo, hi *big.Rat) Resolution {
	width := new(big.Rat).Sub(hi, lo)
	width.Quo(width, new(big.Rat).SetInt64(1<<20))
	for exp := -maxScale; exp <= maxScale; exp++ {
		res := Resolution{Mantissa: 1, Scale: max(0, -exp)}
		if exp > 0 {
			res.Mantissa = pow10(exp).Int64()
		}
		if res.Rat().Cmp(width) >= 0 {
			return res
		}
	}
	return Resolution{Mantissa: 1}
}
