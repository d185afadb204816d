package mechanism

import (
	"math"

	"github.com/noised/noised/privacy"
)

// calibrateLaplace returns the Laplace mechanism with the least scale that costs
// at most limit, and false when there is none.
func calibrateLaplace(s Sensitivity, limit int64) (Spec, bool) {
	shift, equivalents := s.laplaceShifts()
	epsilon := privacy.LaplaceEpsilon(math.Sqrt(float64(limit) / privacy.Mu2Unit / equivalents))
	spec := Spec{Kind: Laplace, scale: shift / epsilon * (roundoff * roundoff)}
	return spec.sealed(laplaceMu2(s, spec.scale), limit)
}

// laplaceShifts returns the most that one coordinate shifts, and to how many
// coordinates with that shift the whole vector amounts (see laplaceMu2).
func (s Sensitivity) laplaceShifts() (shift, equivalents float64) {
	shift = min(float64(s.LInf), s.L1)
	return shift, s.L1 / shift
}

// laplaceMu2 returns the μ² that a vector with independent Laplace noise of
// scale b loses: with s the largest shift of one coordinate,
//
//	(L1/s)·h(s/b),  h(ε) = privacy.LaplaceMu(ε)².
//
// Proof. A coordinate that shifts by s_i loses h(s_i/b), and coordinates compose by
// adding (Dong, Roth, Su 2019, Corollary 3.3). What remains is that no way to
// spread Σs_i ≤ L1, s_i ≤ s, over coordinates loses more. For this h(ε)/ε must not
// decrease, since then h(s_i/b) ≤ (s_i/s)·h(s/b).
//
// With z = Φ̄⁻¹(e^(−ε/2)/2) and w(z) = −ln(2Φ̄(z)), h(ε)/ε is 2z²/w, which does not
// decrease iff D = 2w − z·w' ≥ 0. With λ = φ/Φ̄ one has w' = λ and λ' = λ(λ − z),
// so D(0) = 0 and D' = λ·(1 − z(λ − z)) > 0, because λ < z + 1/z (Gordon 1941).
func laplaceMu2(s Sensitivity, b float64) float64 {
	shift, equivalents := s.laplaceShifts()
	mu := privacy.LaplaceMu(shift / b)
	return equivalents * mu * mu
}
