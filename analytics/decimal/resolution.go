package decimal

import (
	"math/big"
	"strconv"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Resolution is the length of one step of a measure: Mantissa·10^−Scale.
type Resolution struct {
	Mantissa int64 // ≥ 1 for a measure, 0 for other columns
	Scale    int   // 0 to 18
}

// Quantum returns how values in [lo, hi] become integers of this resolution,
// with the bounds rounded inward to whole steps. It is for expressions whose
// bounds do not come from one column.
func (r Resolution) Quantum(lo, hi float64) (plan.Quantum, error) {
	l, h := FromFloat(lo), FromFloat(hi)
	if l == nil || h == nil || lo > hi || r.Mantissa < 1 || r.Scale < 0 || r.Scale > MaxScale {
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters, "bounds must be two finite numbers, the lower one first")
	}
	return r.Between(l, h)
}

// Between is Quantum for bounds that are exact.
func (r Resolution) Between(lo, hi *big.Rat) (plan.Quantum, error) {
	first, last := Ceil(r.steps(lo)), Floor(r.steps(hi))
	limit := big.NewInt(plan.MaxStep)
	if first.CmpAbs(limit) > 0 || last.CmpAbs(limit) > 0 {
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters, "bounds exceed %d steps of %s", plan.MaxStep, r)
	}
	q := plan.Quantum{Mantissa: r.Mantissa, Scale: r.Scale, Lo: first.Int64(), Hi: last.Int64()}
	switch {
	case q.Hi < q.Lo:
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters, "no multiple of the resolution %s lies between the bounds", r)
	case q.Hi-q.Lo > plan.MaxSteps:
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters, "bounds span more than %d steps of %s", plan.MaxSteps, r)
	}
	return q, nil
}

// Rat returns the length of one step.
func (r Resolution) Rat() *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(r.Mantissa), Pow10(r.Scale))
}

// String returns the step as a decimal, e.g. "0.05".
func (r Resolution) String() string { return Text(r.Rat(), r.Scale) }

func (r Resolution) steps(v *big.Rat) *big.Rat { return new(big.Rat).Quo(v, r.Rat()) }

// FromFloat returns the shortest decimal that reads as f; nil for NaN and
// infinities.
func FromFloat(f float64) *big.Rat {
	r, ok := Parse(strconv.FormatFloat(f, 'e', -1, 64))
	if !ok {
		return nil
	}
	return r
}

// Finest names the finest resolution of the form 1, 2 or 5 times a power of
// ten, not finer than a given one, under which the bounds are valid.
func Finest(limit Resolution, lo, hi *big.Rat) (Resolution, bool) {
	for exp := -MaxScale; exp <= MaxScale; exp++ {
		for _, digit := range []int64{1, 2, 5} {
			res := Resolution{Mantissa: digit, Scale: max(0, -exp)}
			if exp > 0 {
				res.Mantissa *= Pow10(exp).Int64()
			}
			if res.Rat().Cmp(limit.Rat()) < 0 {
				continue
			}
			if q, err := res.Between(lo, hi); err == nil && q.Hi > q.Lo {
				return res, true
			}
		}
	}
	return Resolution{}, false
}

// Usual is the resolution that gives about a million steps, which no chart
// can tell from the exact value.
func Usual(lo, hi *big.Rat) Resolution {
	width := new(big.Rat).Sub(hi, lo)
	width.Quo(width, new(big.Rat).SetInt64(1<<20))
	for exp := -MaxScale; exp <= MaxScale; exp++ {
		res := Resolution{Mantissa: 1, Scale: max(0, -exp)}
		if exp > 0 {
			res.Mantissa = Pow10(exp).Int64()
		}
		if res.Rat().Cmp(width) >= 0 {
			return res
		}
	}
	return Resolution{Mantissa: 1}
}
