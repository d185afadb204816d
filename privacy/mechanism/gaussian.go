package mechanism

import (
	"math"

	"github.com/google/differential-privacy/go/v3/noise"

	"github.com/noised/noised/privacy"
)

const (
	// maxSigma keeps |Y| below 2^51, where a float64 still has two bits after
	// the point. The library passes Y through a float64; from 2^53 on the noise
	// would have even values only, and the lowest bits of x would show.
	maxSigma = 1 << 47
	// maxShift is the largest LInf/σ: more would make the outputs that only one
	// neighbour can give too likely.
	maxShift = 2
	// gaussianEpsilon is the ε under which the library is asked for a σ. With it
	// the δ that names a σ lies between 0.12 and 0.51, far from any underflow.
	gaussianEpsilon = 1
	// gridDelta is charged per shifted coordinate for the grid: at most five of
	// its atoms, each of probability at most √(2/π)·2^−56.
	gridDelta = 1.0 / (1 << 54)
)

// cutOff is where the library's Gaussian stops, in standard deviations: it draws
// an integer m with density ∝ exp(−2m²/n) for |m| ≤ √n·√(ln(√n)/2), with
// 2^56 < √n ≤ 2^57, and Y = m·2σ/√n. That is √(2·ln √n) ≥ 8.81 deviations.
func cutOff() float64 { return math.Sqrt(2 * 56 * math.Ln2) }

// calibrateGaussian returns the Gaussian with the least σ that costs at most
// limit, and false when there is none.
//
// The library offers no σ, only (ε, δ): it looks for the least σ that makes a
// shift by LInf (ε, δ)-DP and stops within 0.1 % above it. So the wanted σ is
// named by the δ that it has at ε = 1, for a shift by the power of two next to
// σ. What the search found is read back from the library by the same call that
// its sampler makes, with the same arguments; that σ is charged.
func calibrateGaussian(s Sensitivity, limit int64) (Spec, bool) {
	mu := math.Sqrt(float64(limit) / privacy.Mu2Unit)
	shift := min(float64(s.LInf), s.L2) // of one coordinate
	want := max(s.L2/mu, shift/maxShift) * roundoff
	if !(want <= maxSigma) {
		return Spec{}, false
	}
	linf := int64(1)
	for float64(linf) < want {
		linf *= 2
	}
	spec := Spec{
		Kind: Gaussian, linf: linf, epsilon: gaussianEpsilon,
		delta: privacy.DeltaOf(gaussianEpsilon, float64(linf)/want),
	}
	spec.scale = noise.SigmaForGaussian(1, float64(linf), spec.epsilon, spec.delta)
	if spec.scale < shift/maxShift {
		return Spec{}, false
	}
	loss := s.L2 / spec.scale
	return spec.sealed(loss*loss, float64(s.L0)*tailDelta(shift/spec.scale), limit)
}

// tailDelta is the δ that one coordinate, shifted by at most t standard
// deviations, loses beyond the Gaussian's trade-off. With T the cut-off:
//
//   - Φ(t − T): under one neighbour, outputs more than T deviations from the
//     other's exact value, which the other cannot give.
//   - Φ(−T): on all other outputs both densities are Gaussian over the same
//     normaliser z = 1 − 2Φ(−T), so that P'(S) − e^ε·P(S) is at most 1/z of the
//     Gaussian's; over all coordinates that an account pays for, Π 1/z
//     exceeds 1 by 2ΣΦ(−T), and δ of an account is at most ½.
//   - gridDelta: one atom because the grid sums what the Gaussian integrates; at
//     most four because halves round away from zero, so that the cell of 0 has
//     one atom less, and the cells of each sign differ in which end they own.
//
// Coordinates are composed adaptively: those that do not move lose nothing, and
// the moved ones add up, at most L0 of them. Each is t_i-GDP and Σt_i² ≤ L2²/σ².
func tailDelta(t float64) float64 {
	return normalUpperTail(cutOff()-t) + normalUpperTail(cutOff()) + gridDelta
}
