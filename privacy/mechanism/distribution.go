package mechanism

import (
	"math"

	"github.com/noised/noised/privacy"
)

// normalUpperTail is P(N(0,1) > z), accurate in the tail.
func normalUpperTail(z float64) float64 { return 0.5 * math.Erfc(z/math.Sqrt2) }

// upperTail returns P(Y ≥ y) for the noise before rounding. A rounded draw is at
// least the integer m exactly when Y ≥ m − ½, but for a half itself, which has
// probability 0.
func (s Spec) upperTail(y float64) float64 {
	z := y / s.scale
	switch {
	case s.Kind == Gaussian:
		return normalUpperTail(z)
	case z >= 0:
		return math.Exp(-z) / 2
	default:
		return 1 - math.Exp(z)/2
	}
}

// upperQuantile returns a y with P(Y ≥ y) ≤ p, for 0 < p < 1: the inverse of
// upperTail, rounded up.
func (s Spec) upperQuantile(p float64) float64 {
	p /= roundoff
	switch {
	case s.Kind == Gaussian:
		return s.scale * privacy.NormalUpperQuantile(p)
	case p <= 0.5:
		return -s.scale * math.Log(2*p)
	default:
		return s.scale * math.Log(2*(1-p))
	}
}

// HalfWidth returns the smallest h with P(|noise| ≤ h) ≥ confidence, in steps.
// Noise is an integer, so h is a whole number: the interval of h steps to either
// side of a noised value covers the exact one with at least that confidence, and
// one step less would not. The excess is at most the probability of ±h, about
// 0.12/Stddev at 95 %. A confidence of 1 or more has no width: +Inf.
//
// P(|round(Y)| ≤ h) = P(|Y| < h + ½) = 1 − 2·P(Y ≥ h + ½).
func (s Spec) HalfWidth(confidence float64) float64 {
	switch {
	case !(confidence < 1):
		return math.Inf(1)
	case confidence <= 0 || s.scale == 0:
		return 0
	}
	return max(0, math.Ceil(s.upperQuantile((1-confidence)/2)-0.5))
}

// stddev returns the standard deviation of round(Y).
//
// Laplace has P(n) = sinh(1/2b)·e^(−|n|/b) for n ≠ 0, so that with q = e^(−1/b)
// the variance is 2·sinh(1/2b)·q(1+q)/(1−q)³ = cosh(1/2b) / (2·sinh²(1/2b)). For
// the Gaussian the variance is σ² + 1/12 but for terms of e^(−2π²σ²), which are
// summed where they matter.
func (s Spec) stddev() float64 {
	if s.Kind == Laplace {
		half := 1 / (2 * s.scale)
		return math.Sqrt(math.Cosh(half)/2) / math.Sinh(half)
	}
	if s.scale > 4 {
		return math.Hypot(s.scale, math.Sqrt(1.0/12))
	}
	// E[N²] = Σ_{n≥1} (2n−1)·P(|N| ≥ n).
	var square float64
	for n := 1.0; n <= 40; n++ {
		square += (2*n - 1) * 2 * s.upperTail(n-0.5)
	}
	return math.Sqrt(square)
}
