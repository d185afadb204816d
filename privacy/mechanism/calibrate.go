package mechanism

import (
	"math"

	"github.com/noised/noised/privacy"
)

// MaxMu2 is the largest μ² that one vector may cost (μ = 16). It lies above what
// the largest permitted loss of a query, ε = 100 at δ = 0.1, amounts to.
const MaxMu2 = 256

// roundoff is the relative margin that covers the float64 evaluation of a cost:
// costs are multiplied by it before they are rounded up to the ledger's unit.
const roundoff = 1 + 1e-12

// Calibrate returns the less noisy of the Gaussian and the Laplace mechanism for
// a vector of the given sensitivity, at a cost of at most mu2. The two are
// compared by the standard deviation of what they add, at the same price to the
// account; no constant decides. Neither costs any δ. Errors have
// CodePrivacyParameters, and are found without sampling or searching.
func Calibrate(s Sensitivity, mu2 float64) (Spec, error) {
	if err := s.check(); err != nil {
		return Spec{}, err
	}
	if math.IsNaN(mu2) || mu2 < 1/privacy.Mu2Unit || mu2 > MaxMu2 {
		return Spec{}, privacy.Errorf(privacy.CodePrivacyParameters,
			"the privacy loss of one aggregate is out of range")
	}
	// Rounded down to the ledger's unit, so that the parts of a split price
	// never add up to more than the whole.
	limit := int64(mu2 * privacy.Mu2Unit)
	gaussian, okGaussian := calibrateGaussian(s, limit)
	laplace, okLaplace := calibrateLaplace(s, limit)
	switch {
	case okGaussian && (!okLaplace || gaussian.Stddev <= laplace.Stddev):
		return gaussian, nil
	case okLaplace:
		return laplace, nil
	default:
		return Spec{}, privacy.Errorf(privacy.CodePrivacyParameters,
			"this loss needs more noise than can be added to a 64-bit integer: "+
				"ask for a larger epsilon, smaller bounds or a coarser resolution")
	}
}

// sealed completes a candidate that loses mu2. It rejects a scale that noise
// cannot have, and a cost beyond the limit, which can only be for want of
// precision at extreme parameters.
func (s Spec) sealed(mu2 float64, limit int64) (Spec, bool) {
	if !validScale(s.scale) {
		return Spec{}, false
	}
	cost, err := privacy.CostOf(mu2*roundoff, 0)
	if err != nil || cost.Mu2 > limit {
		return Spec{}, false
	}
	s.Cost = cost
	s.Stddev = s.stddev()
	return s, true
}
