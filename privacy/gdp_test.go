package privacy

import (
	"math"
	"testing"
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
