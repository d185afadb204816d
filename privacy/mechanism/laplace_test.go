package mechanism

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

// wantH is h(ε) of laplaceMu2 by bisection on erfc, to full relative accuracy.
func wantH(epsilon float64) float64 {
	below := func(z float64) bool { // Φ̄(z) > e^(−ε/2)/2
		if epsilon < 1 {
			return math.Erf(z/math.Sqrt2) < -math.Expm1(-epsilon/2)
		}
		return math.Log(math.Erfc(z/math.Sqrt2)) > -epsilon/2
	}
	lo, hi := 0.0, 40.0
	for range 200 {
		if mid := (lo + hi) / 2; below(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return 4 * lo * lo
}

// TestLaplaceVectors: however a shift of norm L1 is spread over coordinates, none
// above LInf, the sum of what the coordinates lose is covered.
func TestLaplaceVectors(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		shifts := rapid.SliceOfN(rapid.Int64Range(1, 1000), 1, 30).Draw(r, "shifts")
		b := math.Exp(rapid.Float64Range(2.8, 14).Draw(r, "ln b"))
		s := Sensitivity{L0: int64(len(shifts)), LInf: 1}
		var lost float64
		for _, shift := range shifts {
			s.L1 += float64(shift)
			s.LInf = max(s.LInf, shift)
			lost += wantH(float64(shift) / b)
		}
		if charged := laplaceMu2(s, b); lost > charged*(1+1e-12) {
			r.Errorf("%v at b = %g lose %g, charged %g", shifts, b, lost, charged)
		}
	})
}

// TestLaplacePairsByDelta computes, from the privacy losses of two coordinates
// and without any trade-off function, the δ of the pair at every ε, and finds
// it below that of the Gaussian that is charged. A coordinate's loss is e with
// probability ½, −e with e^(−e)/2, and has density e^((l−e)/2)/4 between.
func TestLaplacePairsByDelta(t *testing.T) {
	const parts = 4000
	for _, e := range []float64{0.2, 1, 3, 8} {
		charged := math.Sqrt(laplaceMu2(Sensitivity{L0: 2, L1: 2, L2: math.Sqrt2, LInf: 1}, 1/e))
		// δ of one coordinate at any real ε: E[(1 − e^(ε−l))⁺].
		one := func(epsilon float64) float64 {
			switch {
			case epsilon >= e:
				return 0
			case epsilon <= -e:
				return 1 - math.Exp(epsilon)
			default:
				return 1 - math.Exp((epsilon-e)/2)
			}
		}
		for epsilon := 0.0; epsilon < 2*e; epsilon += e / 20 {
			// The losses add, so δ₂(ε) = E[δ₁(ε − l)].
			delta := one(epsilon-e)/2 + one(epsilon+e)*math.Exp(-e)/2
			for i := range parts {
				l := -e + (float64(i)+0.5)*2*e/parts
				delta += math.Exp((l-e)/2) / 4 * one(epsilon-l) * 2 * e / parts
			}
			if limit := privacy.DeltaOf(epsilon, charged); delta > limit+1e-6 {
				t.Errorf("e = %g: δ(%g) = %g, the Gaussian's is %g", e, epsilon, delta, limit)
			}
		}
	}
}

// TestLaplaceCrossover records from where on continuous Laplace noise is smaller
// than Gaussian at the same charge, for each coordinate: ε = 4.753, μ² = 11.29.
func TestLaplaceCrossover(t *testing.T) {
	wins := func(epsilon float64) bool { return math.Sqrt2/epsilon < 1/privacy.LaplaceMu(epsilon) }
	if wins(4.752) || !wins(4.754) {
		t.Error("the crossover is elsewhere")
	}
}
