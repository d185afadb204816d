package columns

import (
	"math/big"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/decimal"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/analytics/plan"
)

// measure reads the bounds and the resolution of a column that is summed.
func (r *Reader) measure(col *contract.Column, o document.Object) {
	r.forbid(o, contract.RoleMeasure, "domain")
	if col.Type.Kind != plan.KindUnknown && !col.Type.IsNumeric() {
		r.Problem(o.LineOf("type"), o.Path("type"), "a measure is a number, not a %s: use role: dimension", col.Type)
		return
	}
	n, ok := o.At["bounds"], o.Has("bounds")
	if !ok {
		r.Problem(o.Line, o.Path("bounds"), "is required: every measure has bounds, e.g. bounds: [0, 100]")
		return
	}
	if col.Type.Kind == plan.KindUnknown {
		return
	}
	lo, hi, ok := r.bounds(n, o.Path("bounds"), col.Type)
	if !ok {
		return
	}
	for i, b := range []*big.Rat{lo, hi} {
		col.Bounds[i], _ = b.Float64()
		col.BoundsText[i] = decimal.Text(b, decimal.MaxScale)
	}
	r.resolution(col, o, lo, hi)
}

// bounds reads [lo, hi] and compares it with the type.
func (r *Reader) bounds(n *document.Node, field string, t plan.Type) (lo, hi *big.Rat, ok bool) {
	if n.Kind != document.Sequence || len(n.Items) != 2 {
		r.Problem(n.Line, field, "must be a list of two numbers: [lower, upper]")
		return nil, nil, false
	}
	lo, okLo := r.bound(n.Items[0], field, t)
	hi, okHi := r.bound(n.Items[1], field, t)
	if !okLo || !okHi {
		return nil, nil, false
	}
	if lo.Cmp(hi) >= 0 {
		r.Problem(n.Line, field, "the lower bound must be below the upper one")
		return nil, nil, false
	}
	return lo, hi, true
}

func (r *Reader) bound(n *document.Node, field string, t plan.Type) (*big.Rat, bool) {
	v, ok := r.Decimal(n, field)
	if !ok {
		return nil, false
	}
	scale := typeScale(t)
	if _, whole := decimal.Unscaled(v, scale); !whole {
		r.Problem(n.Line, field, "%s has more than the %d decimals of a %s", document.Shorten(n.Text), scale, t)
		return nil, false
	}
	if lo, hi, limited := typeRange(t); limited && (v.Cmp(lo) < 0 || v.Cmp(hi) > 0) {
		r.Problem(n.Line, field, "%s is outside the range of a %s", document.Shorten(n.Text), t)
		return nil, false
	}
	return v, true
}

// resolution reads or derives the step of a measure and checks that the
// bounds are a manageable number of steps.
func (r *Reader) resolution(col *contract.Column, o document.Object, lo, hi *big.Rat) {
	finest := decimal.Resolution{Mantissa: 1, Scale: typeScale(col.Type)}
	n := o.At["resolution"]
	switch {
	case n != nil:
		res, ok := r.step(n, o.Path("resolution"), col.Type)
		if !ok {
			return
		}
		col.Resolution = res
	case col.Type.Kind == plan.KindDouble:
		r.Problem(o.Line, o.Path("resolution"), "is required for a double%s", suggest(decimal.Usual(lo, hi), lo, hi))
		return
	default:
		col.Resolution = finest
	}
	if _, err := col.Resolution.Between(lo, hi); err != nil {
		at := o.LineOf("bounds")
		if n != nil {
			at = n.Line
		}
		r.Problem(at, o.Path("resolution"), "bounds from %s to %s are not a manageable number of steps of %s (between 1 and %d, at most %d from 0)%s",
			decimal.Text(lo, decimal.MaxScale), decimal.Text(hi, decimal.MaxScale), col.Resolution, plan.MaxSteps, plan.MaxStep, suggest(finest, lo, hi))
	}
}

func (r *Reader) step(n *document.Node, field string, t plan.Type) (decimal.Resolution, bool) {
	v, ok := r.Decimal(n, field)
	if !ok {
		return decimal.Resolution{}, false
	}
	scale, exact := decimal.Places(v, typeScale(t))
	if !exact {
		r.Problem(n.Line, field, "%s has more than the %d decimals of a %s", document.Shorten(n.Text), typeScale(t), t)
		return decimal.Resolution{}, false
	}
	mantissa, _ := decimal.Unscaled(v, scale)
	if mantissa.Sign() <= 0 || !mantissa.IsInt64() {
		r.Problem(n.Line, field, "must be a positive number of at most 18 digits, not %s", document.Shorten(n.Text))
		return decimal.Resolution{}, false
	}
	return decimal.Resolution{Mantissa: mantissa.Int64(), Scale: scale}, true
}

// typeScale is the number of decimals that a type distinguishes.
func typeScale(t plan.Type) int {
	switch t.Kind {
	case plan.KindDecimal:
		return int(t.Scale)
	case plan.KindDouble:
		return decimal.MaxScale
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
		largest := new(big.Int).Sub(decimal.Pow10(int(t.Precision)), big.NewInt(1))
		hi = new(big.Rat).SetFrac(largest, decimal.Pow10(int(t.Scale)))
		return new(big.Rat).Neg(hi), hi, true
	default:
		return nil, nil, false
	}
}

// suggest names a resolution under which bounds are valid, where there is one.
func suggest(limit decimal.Resolution, lo, hi *big.Rat) string {
	if r, ok := decimal.Finest(limit, lo, hi); ok {
		return "; use resolution: " + r.String()
	}
	return ""
}
