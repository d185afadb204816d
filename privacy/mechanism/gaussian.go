package mechanism

import (
	"math"

	"github.com/noised/noised/privacy"
)

// calibrateGaussian returns the Gaussian with the least σ that costs at most
// limit, and false when there is none.
//
// Two neighbours' vectors differ by at most L2, so x + σ·Z is μ-GDP with
// μ = L2/σ, whichever and however many coordinates moved (Dong, Roth, Su 2019,
// Theorem 2.7, along the line between the two vectors). It costs no δ.
func calibrateGaussian(s Sensitivity, limit int64) (Spec, bool) {
	spec := Spec{Kind: Gaussian, scale: s.L2 / math.Sqrt(float64(limit)/privacy.Mu2Unit) * roundoff}
	loss := s.L2 / spec.scale
	return spec.sealed(loss*loss, limit)
}
