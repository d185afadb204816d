package mechanism

import (
	"math"

	"github.com/noised/noised/privacy"
)

// calibrateLaplace returns the Laplace mechanism with the least scale that costs
// at most limit, and false when there is none.
func calibrateLaplace(s Sensitivity, limit int64) (Spec, bool) {
	shift, equivalents := s.laplaceShifts()
	epsilon := laplaceEpsilon(float64(limit) / privacy.Mu2Unit / equivalents)
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
// scale b loses. A coordinate that shifts by at most s is (s/b)-DP (Dwork et al.
// 2006), but that alone would be charged as randomised response, which no Laplace
// mechanism is. What is charged here is (L1/s)·h(s/b) for the largest shift s of
// one coordinate, with
//
//	h(ε) = (2·Φ̄⁻¹(e^(−ε/2)/2))².
//
// One coordinate is √h(ε)-GDP, ε = s/b. Its trade-off function (Dong, Roth, Su
// 2019, Definition 2.1) is that of thresholds on the output, F(F⁻¹(1−α) − ε) for
// Laplace's F:
//
//	T(α) = 1 − e^ε·α           for       α ≤ e^(−ε)/2
//	       e^(−ε)/(4α)         for e^(−ε)/2 ≤ α ≤ 1/2
//	       e^(−ε)·(1 − α)      for 1/2 ≤ α,
//
// and that of the Gaussian is G(α) = Φ̄(μ − a) with α = Φ̄(a). In the middle, G ≤ T
// says ln Φ̄(a) + ln Φ̄(μ − a) ≤ ln(e^(−ε)/4). Φ̄ is log-concave, so the left side
// is concave in a; it is symmetric about a = μ/2, where it is largest. There it
// says 2·ln Φ̄(μ/2) ≤ 2·ln(e^(−ε/2)/2), which holds with equality for
// μ = 2·Φ̄⁻¹(e^(−ε/2)/2). On the left, T is the chord from (0, 1) to
// (e^(−ε)/2, 1/2); G is convex, is 1 at 0, and was just seen to be at most 1/2 at
// the other end, so it lies below the chord. On the right likewise, as G(1) = 0.
// A shift smaller than s has a smaller ε, and h increases.
//
// Several coordinates, shifted by s_i with Σs_i ≤ L1, compose to Σh(s_i/b) (ibid.,
// Corollary 3.3). And h(ε)/ε does not decrease: with z = Φ̄⁻¹(e^(−ε/2)/2) it is
// 2z²/w for w = −ln(2Φ̄(z)), which does not decrease iff D = 2w − z·w' ≥ 0. With
// λ = φ/Φ̄ one has w' = λ and λ' = λ(λ − z), so D(0) = 0 and
// D' = λ·(1 − z(λ − z)) > 0, because λ < z + 1/z (Gordon 1941). So
// h(s_i/b) ≤ (s_i/s)·h(s/b), and the sum is at most (L1/s)·h(s/b).
func laplaceMu2(s Sensitivity, b float64) float64 {
	shift, equivalents := s.laplaceShifts()
	return equivalents * laplaceH(shift/b)
}

// laplaceH is h in laplaceMu2. The root of μ² = h solves erfc(μ/√8) = e^(−ε/2);
// where that is near 1 it is taken from erf, to keep the relative accuracy.
func laplaceH(epsilon float64) float64 {
	mu := 2 * math.Sqrt2 * math.Erfinv(-math.Expm1(-epsilon/2))
	if epsilon > 1 {
		mu = 2 * privacy.NormalUpperQuantile(math.Exp(-epsilon/2)/2)
	}
	return mu * mu
}

// laplaceEpsilon is the inverse of h in laplaceMu2: ε = −2·ln(2·Φ̄(μ/2)).
func laplaceEpsilon(mu2 float64) float64 {
	z := math.Sqrt(mu2) / 2 / math.Sqrt2 // 2·Φ̄(μ/2) = erfc(z)
	if z < 0.5 {
		return -2 * math.Log1p(-math.Erf(z))
	}
	return -2 * math.Log(math.Erfc(z))
}
