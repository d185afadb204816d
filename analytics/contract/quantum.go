package contract

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

// Quantum returns how col's values become integers under the bounds [lo, hi],
// which lie within the contract's and may be narrower. Its Centre is 0.
//
// The bounds in steps are rounded inward, to ⌈lo/step⌉ and ⌊hi/step⌋, so that
// no value is ever moved outside what was asked for. A CodePrivacyParameters
// error says that nothing is left between them, or that they exceed the
// contract.
func (c *Contract) Quantum(col Column, lo, hi float64) (plan.Quantum, error) {
	if col.Role != RoleMeasure {
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters, "column %q is not a measure and has no bounds", col.Name)
	}
	if lo > hi {
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters, "the lower bound of %q must not exceed the upper one", col.Name)
	}
	if !(lo >= col.Bounds[0] && hi <= col.Bounds[1]) { // also refuses NaN
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters,
			"bounds of %q must lie within the contract's [%s, %s]", col.Name, col.BoundsText[0], col.BoundsText[1])
	}
	return col.Resolution.quantum(col.exact(lo), col.exact(hi))
}

// exact returns a bound without the rounding that turned it into a double:
// the declared bounds are known by their text, any other is the shortest
// decimal that reads as that double.
func (col Column) exact(bound float64) *big.Rat {
	for i, declared := range col.Bounds {
		if bound == declared {
			if r, ok := parseDecimal(col.BoundsText[i]); ok {
				return r
			}
		}
	}
	return exactFloat(bound)
}

// Quantum returns how values in [lo, hi] become integers of this resolution,
// with the bounds rounded inward to whole steps. It is for expressions whose
// bounds do not come from one column; see Contract.Quantum.
func (r Resolution) Quantum(lo, hi float64) (plan.Quantum, error) {
	l, h := exactFloat(lo), exactFloat(hi)
	if l == nil || h == nil || lo > hi || r.Mantissa < 1 || r.Scale < 0 || r.Scale > maxScale {
		return plan.Quantum{}, privacy.Errorf(privacy.CodePrivacyParameters, "bounds must be two finite numbers, the lower one first")
	}
	return r.quantum(l, h)
}

func (r Resolution) quantum(lo, hi *big.Rat) (plan.Quantum, error) {
	first, last := ceil(r.steps(lo)), floor(r.steps(hi))
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
	return new(big.Rat).SetFrac(big.NewInt(r.Mantissa), pow10(r.Scale))
}

// String returns the step as a decimal, e.g. "0.05".
func (r Resolution) String() string { return decimalString(r.Rat(), r.Scale) }

func (r Resolution) steps(v *big.Rat) *big.Rat { return new(big.Rat).Quo(v, r.Rat()) }

// exactFloat returns the shortest decimal that reads as f; nil for NaN and
// infinities.
func exactFloat(f float64) *big.Rat {
	r, ok := parseDecimal(strconv.FormatFloat(f, 'e', -1, 64))
	if !ok {
		return nil
	}
	return r
}
