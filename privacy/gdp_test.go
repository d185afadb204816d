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

// TestRandomisedResponseDominatesItsGaussian: the μ that a pure ε is charged
// makes a Gaussian whose trade-off lies below the mechanism's at every error.
func TestRandomisedResponseDominatesItsGaussian(t *testing.T) {
	for _, eps := range []float64{0.01, 0.5, 1, 3, 10} {
		mu := LaplaceMu(eps)
		for alpha := 0.0005; alpha < 1; alpha += 0.0005 {
			gaussian := normalCDF(NormalUpperQuantile(alpha) - mu)
			pure := max(0, 1-math.Exp(eps)*alpha, math.Exp(-eps)*(1-alpha))
			if gaussian > pure+1e-12 {
				t.Fatalf("ε = %g: at α = %g the Gaussian's error %g exceeds %g", eps, alpha, gaussian, pure)
			}
		}
	}
}
