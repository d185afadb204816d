package mechanism

import (
	"math"

	"github.com/noised/noised/privacy"
)

const (
	// laplaceLInf is the shift under which the library is asked for a scale.
	// Being large, it makes the grid that the library adds to it negligible.
	laplaceLInf = 1 << 20
	// laplaceGrid is the number of grid steps per scale, at most: the library
	// rounds b/2^40 up to a power of two.
	laplaceGrid = 1 << 40
	// maxScale keeps the grid finer than one step, so that the library never
	// rounds x itself, which would raise the sensitivity.
	maxScale = 1 << 38
)

// calibrateLaplace returns the Laplace mechanism with the least scale that costs
// at most limit, and false when there is none.
//
// The library, asked for (1, k, ε), draws an integer m with density ∝ e^(−λ|m|),
// λ = gε/(k+g), where g = 2^⌈log₂(k/ε/2^40)⌉, and Y = g·m. So its scale is
// g/λ = (k+g)/ε, and that is charged: a shift by s multiplies the density of Y
// by at most e^(s/scale).
func calibrateLaplace(s Sensitivity, limit int64) (Spec, bool) {
	epsilon := privacy.LaplaceEpsilon(math.Sqrt(float64(limit)/privacy.Mu2Unit/roundoff)) / roundoff
	want := s.L1 / epsilon
	// The charge for halves depends on the grid, hence on the scale: a few
	// rounds settle it, as the grid moves in powers of two.
	for range 4 {
		rest := epsilon - tieEpsilon(s.L0, gridOf(want))
		if !(rest > 0) {
			return Spec{}, false
		}
		want = max(want, s.L1/rest)
	}
	if !(want <= maxScale) {
		return Spec{}, false
	}
	spec := Spec{Kind: Laplace, linf: laplaceLInf, epsilon: laplaceLInf / want}
	grid := gridOf(laplaceLInf / spec.epsilon)
	spec.scale = (laplaceLInf + grid) / spec.epsilon
	mu := privacy.LaplaceMu(s.L1/spec.scale + tieEpsilon(s.L0, grid))
	return spec.sealed(mu*mu, 0, limit)
}

// gridOf returns the spacing of the library's Laplace grid at a scale b: the
// least power of two at or above b/2^40.
func gridOf(b float64) float64 {
	fraction, exponent := math.Frexp(b / laplaceGrid)
	if fraction == 0.5 {
		exponent--
	}
	return math.Ldexp(1, exponent)
}

// tieEpsilon is what halves cost l0 coordinates. They round away from zero, so a
// cell n ≠ 0 owns 1/g atoms of the grid and the cell of 0 one less. For s ≥ 1
// this leaves P(0)/P(s) ≤ e^(s/b), but P(s)/P(0), which was at most 1, is now at
// most 1/(1−g).
func tieEpsilon(l0 int64, grid float64) float64 {
	return -math.Log1p(-grid) * float64(l0)
}
