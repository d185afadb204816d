package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/noised/noised/privacy/mechanism"
)

// seeded draws noise that tests can repeat, distributed as a mechanism's.
type seeded struct{ *rand.Rand }

func newSeeded(seed uint64) seeded { return seeded{rand.New(rand.NewPCG(seed, 7))} }

func (r seeded) noise(s mechanism.Spec) int64 {
	if s.Kind == mechanism.Gaussian {
		return int64(math.Round(r.NormFloat64() * s.Stddev))
	}
	y := r.ExpFloat64() / (2 * laplaceRate(s.Stddev))
	if r.IntN(2) == 0 {
		y = -y
	}
	return int64(math.Round(y))
}

// laplace returns a Laplace mechanism of a price at which it beats the Gaussian,
// and the sensitivity that gives it about the wanted stddev.
func laplace(t *testing.T, stddev float64) mechanism.Spec {
	t.Helper()
	s := mechanism.Sensitivity{L0: 1, L1: stddev * 20, L2: stddev * 20, LInf: int64(stddev * 20)}
	spec, err := mechanism.Calibrate(s, 200)
	if err != nil {
		t.Fatal(err)
	}
	if spec.Kind != mechanism.Laplace {
		t.Fatalf("μ² = 200 gave %s, want laplace", spec.Kind)
	}
	return spec
}

// wide returns a Gaussian of a large stddev, for values of fine steps.
func wide(t *testing.T, stddev float64) mechanism.Spec {
	t.Helper()
	s, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: stddev, L2: stddev, LInf: int64(stddev)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// atLeast fails unless a share of the repetitions is at least p. A share of true
// probability p or more fails with probability below 1e-5: 4.27 deviations of a
// binomial, rounded up for its skew.
func atLeast(t *testing.T, what string, successes, repetitions int, p float64) {
	t.Helper()
	share := float64(successes) / float64(repetitions)
	if share < p-4.6*math.Sqrt(p*(1-p)/float64(repetitions)) {
		t.Errorf("%s: %.2f %% of %d, want %.2f %%", what, 100*share, repetitions, 100*p)
	}
}

func squares(xs []float64) (sum float64) {
	for _, x := range xs {
		sum += x * x
	}
	return sum
}

// TestLinearHalfWidth draws sums of noises, large and small: they stay within
// the half-width as often as it says. False rejection below 1e-5 per case.
func TestLinearHalfWidth(t *testing.T) {
	const repetitions = 20_000
	rng := newSeeded(1)
	for _, spec := range []mechanism.Spec{
		calibrated(t, 30), calibrated(t, 1.5), calibrated(t, 0.45), laplace(t, 1), laplace(t, 20), laplace(t, 0.3),
	} {
		for _, weights := range [][]float64{{1}, {0.5, 0.5, -0.5}, {1, 1, 1, 1, 1, 1, 1, -1, -1, -1}, {0.9, 0.1, 0.1, 0.1, 0.1, -0.3}} {
			for _, tail := range []float64{0.2, 0.025, 0.001} {
				h := linearHalfWidth(spec, tail)(squares(weights))
				within := 0
				for range repetitions {
					sum := 0.0
					for _, w := range weights {
						sum += w * float64(rng.noise(spec))
					}
					if sum <= h {
						within++
					}
				}
				atLeast(t, string(spec.Kind)+" sum within its half-width", within, repetitions, 1-tail)
			}
		}
	}
}

// TestLaplaceRate inverts the standard deviation.
func TestLaplaceRate(t *testing.T) {
	for _, a := range []float64{1e-6, 0.01, 0.5, 3, 20} {
		sd := math.Sqrt(math.Cosh(a)/2) / math.Sinh(a)
		if got := laplaceRate(sd); math.Abs(got/a-1) > 1e-6 {
			t.Errorf("rate of stddev %g = %g, want %g", sd, got, a)
		}
	}
}

// TestLaplaceMGF holds the closed form against its series.
func TestLaplaceMGF(t *testing.T) {
	const a, x = 0.4, 0.3
	m := -math.Expm1(-a)
	for n := 1.0; n < 200; n++ {
		m += math.Sinh(a) * math.Exp(-2*a*n) * 2 * math.Cosh(x*n)
	}
	if got := laplaceLogMGF(x, a); math.Abs(got-math.Log(m)) > 1e-12 {
		t.Errorf("ln E[e^(tN)] = %g, want %g", got, math.Log(m))
	}
}

// TestRatioOfLaplaces: Fieller's interval holds for Laplace noise too, at low
// confidences by ratioConfidence. False rejection below 1e-5 per case.
func TestRatioOfLaplaces(t *testing.T) {
	const n, s, repetitions = 500.0, 700.0, 20_000
	rng := newSeeded(2)
	for _, sds := range [][2]float64{{5, 5}, {20, 3}, {3, 20}} {
		for _, confidence := range []float64{0.5, 0.8, 0.95, 0.99} {
			num, den := laplace(t, sds[0]), laplace(t, sds[1])
			c := ratioConfidence(confidence, num, den)
			covered := 0
			for range repetitions {
				r, ok := ratio(s+float64(rng.noise(num)), n+float64(rng.noise(den)), num.HalfWidth(c), den.HalfWidth(c))
				if !ok || r.lo <= s/n && s/n <= r.hi {
					covered++
				}
			}
			atLeast(t, "ratio of Laplace noises", covered, repetitions, confidence)
		}
	}
}
