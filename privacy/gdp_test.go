package privacy

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestAdmittedQueries reproduces the published counts of Gaussian queries of
// (0.1, 1e-9) each that a cap admits, with all of δ on conversion and with the
// 90/10 split that accounts use.
func TestAdmittedQueries(t *testing.T) {
	mu := MuOf(Loss{Epsilon: 0.1, Delta: 1e-9})
	if sigma := 1 / mu; math.Abs(sigma-50.2098) > 1e-4 {
		t.Fatalf("sigma = %.6f, want 50.2098", sigma)
	}
	cost, err := CostOf(mu*mu, 0)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		epsilon    float64
		all, split int64
	}{
		{10, 8610, 8553},
		{3, 1057, 1048},
		{1, 141, 139},
	}
	for _, tt := range tests {
		whole := MuOf(Loss{Epsilon: tt.epsilon, Delta: 1e-6})
		if got := int64(whole*whole*Mu2Unit) / cost.Mu2; got != tt.all {
			t.Errorf("ε = %g: %d queries with all of δ on conversion, want %d", tt.epsilon, got, tt.all)
		}
		if got := CapOf(Loss{Epsilon: tt.epsilon, Delta: 1e-6}).Mu2 / cost.Mu2; got != tt.split {
			t.Errorf("ε = %g: %d queries with the 90/10 split, want %d", tt.epsilon, got, tt.split)
		}
	}
}

func TestConversionsAreInverse(t *testing.T) {
	for _, eps := range []float64{1e-5, 0.01, 0.5, 1, 5, 50, 800} {
		for _, delta := range []float64{1e-15, 1e-9, 1e-5, 0.01} {
			mu := MuOf(Loss{Epsilon: eps, Delta: delta})
			if back := EpsilonOf(mu, delta); math.Abs(back-eps) > 1e-6*eps+1e-9 {
				t.Errorf("EpsilonOf(MuOf(%g, %g)) = %g", eps, delta, back)
			}
			if DeltaOf(eps, mu) > delta {
				t.Errorf("MuOf(%g, %g) = %g loses more than asked", eps, delta, mu)
			}
		}
	}
	for _, eps := range []float64{1e-4, 0.1, 1, 2.6, 10, 40} {
		if back := LaplaceEpsilon(LaplaceMu(eps)); math.Abs(back-eps) > 1e-6*eps {
			t.Errorf("LaplaceEpsilon(LaplaceMu(%g)) = %g", eps, back)
		}
	}
}

// TestNormalTail compares with published values of the normal distribution's
// upper quantiles, deep in the tail where 1 − p rounds to 1.
func TestNormalTail(t *testing.T) {
	for p, want := range map[float64]float64{
		0.5: 0, 0.025: 1.959963984540054, 1e-9: 5.997807015008182, 1e-18: 8.757290348782315,
		0.975: -1.959963984540054,
	} {
		if got := NormalUpperQuantile(p); math.Abs(got-want) > 1e-9 {
			t.Errorf("NormalUpperQuantile(%g) = %.15g, want %.15g", p, got, want)
		}
	}
}

// TestExtremes: where e^ε overflows or Φ vanishes, conversions stay finite,
// monotone and inverse to each other.
func TestExtremes(t *testing.T) {
	last := 0.0
	for _, eps := range []float64{1e-6, 1, 36, 37, 700, 710, 800, 1e4, 1e6} {
		mu := LaplaceMu(eps)
		if !(mu > last) || math.IsInf(mu, 0) {
			t.Errorf("LaplaceMu(%g) = %g after %g", eps, mu, last)
		}
		if back := LaplaceEpsilon(mu); math.Abs(back-eps) > 1e-6*eps {
			t.Errorf("LaplaceEpsilon(LaplaceMu(%g)) = %g", eps, back)
		}
		last = mu
	}
	for p, want := range map[float64]float64{0: math.Inf(1), -1: math.Inf(1), 1: math.Inf(-1), 2: math.Inf(-1)} {
		if got := NormalUpperQuantile(p); got != want {
			t.Errorf("NormalUpperQuantile(%g) = %g", p, got)
		}
	}
	if got := NormalUpperQuantile(math.NaN()); !math.IsNaN(got) {
		t.Errorf("NormalUpperQuantile(NaN) = %g: a threshold would be taken from it", got)
	}
}

// TestDeltaOfShape: δ(ε) falls with ε, rises with μ, and lies between 0 and 1.
func TestDeltaOfShape(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		eps, mu := rapid.Float64Range(0, 1e4).Draw(r, "ε"), rapid.Float64Range(0, 100).Draw(r, "μ")
		d := DeltaOf(eps, mu)
		if !(d >= 0 && d <= 1) || DeltaOf(eps+0.1, mu) > d+1e-15 || DeltaOf(eps, mu+0.1) < d-1e-15 {
			r.Errorf("δ(%g) = %g at μ = %g", eps, d, mu)
		}
	})
}

// laplaceTradeOff is the least error of the second kind of a test that tells
// Laplace noise from the same shifted by ε scales, at an error α of the first;
// rest is 1 − α.
func laplaceTradeOff(epsilon, alpha, rest float64) float64 {
	switch {
	case alpha <= math.Exp(-epsilon)/2:
		return 1 - math.Exp(epsilon)*alpha
	case alpha <= 0.5:
		return math.Exp(-epsilon) / (4 * alpha)
	default:
		return math.Exp(-epsilon) * rest
	}
}

// TestTradeOffIsLaplaces: the formula is that of tests that are thresholds on a
// Laplace variable.
func TestTradeOffIsLaplaces(t *testing.T) {
	cdf := func(y float64) float64 {
		if y < 0 {
			return math.Exp(y) / 2
		}
		return 1 - math.Exp(-y)/2
	}
	for _, epsilon := range []float64{0.01, 0.7, 3, 12} {
		for y := -30.0; y < 30; y += 0.01 {
			alpha := 1 - cdf(y)
			if got, want := laplaceTradeOff(epsilon, alpha, cdf(y)), cdf(y-epsilon); math.Abs(got-want) > 1e-9 {
				t.Fatalf("ε = %g, α = %g: %g, want %g", epsilon, alpha, got, want)
			}
		}
	}
}

// TestLaplaceDominatesItsGaussian: the trade-off of the Gaussian that is charged
// lies nowhere above Laplace's, from one tail to the other, and touches it, so
// that nothing less may be charged.
func TestLaplaceDominatesItsGaussian(t *testing.T) {
	for epsilon := 1e-3; epsilon < 70; epsilon *= 1.1 {
		mu := LaplaceMu(epsilon)
		closest := math.Inf(1)
		for a := -8.0; a < mu+8; a += 0.001 {
			alpha, rest := math.Erfc(a/math.Sqrt2)/2, math.Erfc(-a/math.Sqrt2)/2
			gaussian, laplace := math.Erfc((mu-a)/math.Sqrt2)/2, laplaceTradeOff(epsilon, alpha, rest)
			if gaussian > laplace*(1+1e-11) {
				t.Fatalf("ε = %g, α = %g: the Gaussian's error %g exceeds Laplace's %g", epsilon, alpha, gaussian, laplace)
			}
			closest = min(closest, laplace/gaussian)
		}
		if closest > 1.0001 {
			t.Errorf("ε = %g: the trade-offs come no closer than %g", epsilon, closest)
		}
	}
}

// TestLaplaceCostsLessThanPureEpsilon: what is charged is at most what any ε-DP
// mechanism may need, and about half of it for large ε.
func TestLaplaceCostsLessThanPureEpsilon(t *testing.T) {
	for epsilon := 1e-3; epsilon < 70; epsilon *= 1.1 {
		pure := math.Pow(2*NormalUpperQuantile(1/(1+math.Exp(epsilon))), 2)
		if got := math.Pow(LaplaceMu(epsilon), 2); got > pure*(1+1e-9) || got < 0.45*pure {
			t.Errorf("ε = %g costs %g, as a pure ε %g", epsilon, got, pure)
		}
	}
}

// TestLaplaceConversionKeepsItsDigits: small shifts are not lost in what is
// close to 1, where μ is ε·√(π/2).
func TestLaplaceConversionKeepsItsDigits(t *testing.T) {
	for mu2 := 1e-12; mu2 <= 1e4; mu2 *= 1.5 {
		mu := math.Sqrt(mu2)
		if back := LaplaceMu(LaplaceEpsilon(mu)); math.Abs(back-mu) > 1e-13*mu {
			t.Errorf("LaplaceMu(LaplaceEpsilon(%g)) is off by %g", mu, back/mu-1)
		}
	}
	if got, want := LaplaceMu(1e-7), 1e-7*math.Sqrt(math.Pi/2); math.Abs(got-want) > 1e-6*want {
		t.Errorf("LaplaceMu(1e-7) = %g, want %g", got, want)
	}
}
