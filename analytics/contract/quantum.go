package contract

import (
	"math/big"

	"github.com/noised/noised/analytics/decimal"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

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
	return col.Resolution.Between(col.exact(lo), col.exact(hi))
}

// exact returns a bound without the rounding that turned it into a double:
// the declared bounds are known by their text, any other is the shortest
// decimal that reads as that double.
func (col Column) exact(bound float64) *big.Rat {
	for i, declared := range col.Bounds {
		if bound == declared {
			if r, ok := decimal.Parse(col.BoundsText[i]); ok {
				return r
			}
		}
	}
	return decimal.FromFloat(bound)
}
