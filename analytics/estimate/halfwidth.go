package estimate

import (
	"math"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// combinedHalfWidth returns h with P(|X + k·Y| ≤ h) ≥ confidence for the two
// independent noises. The sum of Gaussians is Gaussian; otherwise each noise
// gets half of the failure probability (union bound).
func combinedHalfWidth(x, y mechanism.Spec, k, confidence float64) float64 {
	if x.Kind == mechanism.Gaussian && y.Kind == mechanism.Gaussian {
		z := privacy.NormalUpperQuantile((1 - confidence) / 2)
		return z*math.Hypot(x.Stddev, k*y.Stddev) + 0.5
	}
	each := 1 - (1-confidence)/2
	return x.HalfWidth(each) + math.Abs(k)*y.HalfWidth(each)
}

// span is a closed interval of numbers.
type span struct{ lo, hi float64 }

// ratio returns Fieller's interval of a quotient: all R with
// |S − R·N| ≤ √(h_S² + R²·h_N²) (Fieller 1954), where h_S and h_N are half-widths
// of the noise of S and N. For Gaussian noise it has their confidence exactly. It
// reports false where N is not clearly positive, and so nothing is excluded.
func ratio(s, n, hs, hn float64) (span, bool) {
	a := n*n - hn*hn
	if n <= 0 || a <= 0 {
		return span{}, false
	}
	root := math.Sqrt(a*hs*hs + s*s*hn*hn)
	return span{(s*n - root) / a, (s*n + root) / a}, true
}

// ratioConfidence returns the confidence of the half-widths from which ratio
// makes an interval of at least the wanted confidence. For Laplace noise the
// root of summed squares of half-widths is wide enough at 95 % and above only:
// two equal scales b at confidence 1 − α have the half-width h = b·ln(1/α), and
// P(|X+Y| > √2·h) = e^(−√2·h/b)·(1 + h/(√2·b)) is at most α from h = 2.37·b on.
func ratioConfidence(wanted float64, noises ...mechanism.Spec) float64 {
	for _, n := range noises {
		if n.Kind != mechanism.Gaussian {
			return max(wanted, 0.95)
		}
	}
	return wanted
}

// linearHalfWidth returns the h with P(L > h) ≤ tail, for a sum L of independent
// noises of one mechanism with weights within ±1, as a function of what the
// squares of the weights add up to.
//
// For the Gaussian this is the normal quantile at the standard deviation of the
// rounded noise, plus half a step for the lattice that the sum lies on. Below a
// standard deviation of one half the noise is mostly zero, and one half stands
// for it.
//
// For Laplace it is Chernoff's bound e^(−t·h)·ΠE[e^(t·w·N)]. ln E[e^(θN)] of
// Laplace noise is convex in θ², so that among weights with these squares the
// bound is largest for weights of 1, as many as the squares add up to.
func linearHalfWidth(noise mechanism.Spec, tail float64) func(squares float64) float64 {
	of := chernoff(laplaceRate(noise.Stddev), -math.Log(tail))
	if noise.Kind == mechanism.Gaussian {
		deviation := privacy.NormalUpperQuantile(tail) * max(noise.Stddev, 0.5)
		of = func(squares float64) float64 { return deviation*math.Sqrt(squares) + 0.5 }
	}
	return func(squares float64) float64 {
		if squares <= 0 {
			return 0
		}
		return of(squares)
	}
}

// chernoff minimises (squares·ln E[e^(tN)] + x) / t over t, for Laplace noise N.
// Squares are rounded up by at most 2 %, so that the boundaries of a large tree
// share what is computed.
func chernoff(rate, x float64) func(squares float64) float64 {
	const grid = 0.02
	limit, known := min(2*rate, maxTilt), map[float64]float64{}
	return func(squares float64) float64 {
		cell := math.Ceil(math.Log(squares) / grid)
		if h, ok := known[cell]; ok {
			return h
		}
		squares = math.Exp(cell * grid)
		bound := func(share float64) float64 {
			return (squares*laplaceLogMGF(share*limit, rate) + x) / (share * limit)
		}
		lo, hi := 1e-6, 1-1e-9
		for range 40 { // it falls, then rises
			third := (hi - lo) / 3
			if bound(lo+third) < bound(hi-third) {
				hi -= third
			} else {
				lo += third
			}
		}
		known[cell] = bound(lo)
		return known[cell]
	}
}

// maxTilt keeps e^t finite where the noise is all but zero.
const maxTilt = 50

// laplaceRate returns a = 1/2b of the rounded Laplace noise with the given
// standard deviation: its variance is cosh(a)/(2·sinh²(a)), and so
// sinh²(a) = (1 + √(1 + 16v²)) / 8v² for the variance v.
func laplaceRate(stddev float64) float64 {
	v := stddev * stddev
	return math.Asinh(math.Sqrt((1 + math.Sqrt(1+16*v*v)) / (8 * v * v)))
}

// laplaceLogMGF returns ln E[e^(tN)] for N = round(b·E), a = 1/2b and t < 2a:
// P(0) = 1 − e^(−a) and P(n) = sinh(a)·e^(−2a|n|) otherwise.
func laplaceLogMGF(t, a float64) float64 {
	side := func(t float64) float64 { return math.Exp(t) / -math.Expm1(t-2*a) }
	return math.Log(-math.Expm1(-a) + (math.Exp(-a)-math.Exp(-3*a))/2*(side(t)+side(-t)))
}
