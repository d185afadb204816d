package mechanism

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

// These tests state what a draw's distribution is without using the code under
// test: a rounded Gaussian or Laplace variable, by its own formulas.

// pmf is the probability of each integer under a scale.
type pmf func(scale float64, n int64) float64

// cellOf turns an upper tail P(Y ≥ y), y > 0, of a symmetric variable into the
// probabilities of its rounded values.
func cellOf(tail func(scale, y float64) float64) pmf {
	return func(scale float64, n int64) float64 {
		m := math.Abs(float64(n))
		if m == 0 {
			return 1 - 2*tail(scale, 0.5)
		}
		return tail(scale, m-0.5) - tail(scale, m+0.5)
	}
}

var (
	gaussianPMF = cellOf(func(sigma, y float64) float64 { return math.Erfc(y/sigma/math.Sqrt2) / 2 })
	laplacePMF  = cellOf(func(b, y float64) float64 { return math.Exp(-y/b) / 2 })
)

func pmfOf(k Kind) pmf {
	if k == Laplace {
		return laplacePMF
	}
	return gaussianPMF
}

// gaussianSpec and laplaceSpec return the mechanism of one kind for a count of
// units in one group, whatever Calibrate would choose.
func gaussianSpec(t testing.TB, mu2 float64) Spec {
	t.Helper()
	s, ok := calibrateGaussian(Sensitivity{L0: 1, L1: 1, L2: 1, LInf: 1}, int64(mu2*privacy.Mu2Unit))
	if !ok {
		t.Fatalf("no Gaussian at μ² = %g", mu2)
	}
	return s
}

func laplaceSpec(t testing.TB, mu2 float64) Spec {
	t.Helper()
	s, ok := calibrateLaplace(Sensitivity{L0: 1, L1: 1, L2: 1, LInf: 1}, int64(mu2*privacy.Mu2Unit))
	if !ok {
		t.Fatalf("no Laplace at μ² = %g", mu2)
	}
	return s
}

// sample counts draws of noise on 0.
type sample struct {
	counts map[int64]int
	n      int
}

func (s *sample) draw(t *testing.T, spec Spec, n int) {
	t.Helper()
	if s.counts == nil {
		s.counts = map[int64]int{}
	}
	for range n {
		v, err := spec.Noise(privacy.Int128{})
		if err != nil {
			t.Fatal(err)
		}
		s.counts[v]++
	}
	s.n += n
}

const (
	offScale = 1.005 // the error in scale that must be seen
	// Two alternatives, each with a false-rejection probability of 5e-6.
	certainty = 12.206 // ln(1/5e-6)
)

// verdict is a sequential likelihood-ratio test of a declared scale against
// scales 0.5 % larger and smaller. The ratio is a martingale with mean 1 under
// the declared scale, so by Ville's inequality it ever exceeds 1/α with
// probability at most α, however often and however long one looks: the
// false-rejection probability of a whole run is at most 1e-5.
func (s *sample) verdict(p pmf, declared float64) (accepted, rejected bool) {
	accepted = true
	for _, other := range []float64{declared * offScale, declared / offScale} {
		var ratio float64
		for v, count := range s.counts {
			ratio += float64(count) * math.Log(p(other, v)/p(declared, v))
		}
		accepted = accepted && ratio <= -certainty
		rejected = rejected || ratio >= certainty
	}
	return accepted, rejected
}

// chiSquare tests the shape. It pools cells until 100 draws are expected in each
// and rejects above k + 2√(kx) + 2x, which a χ² variable with k degrees of
// freedom exceeds with probability at most e^−x (Laurent, Massart 2000, Lemma 1);
// with x = ln 1e5 the false-rejection probability is at most 1e-5.
func (s *sample) chiSquare(p pmf, scale float64) (rejected bool) {
	var statistic, expected, left float64
	cells, observed, seen := 0, 0, 0
	flush := func() {
		d := float64(observed) - expected
		statistic += d * d / expected
		cells++
		expected, observed = 0, 0
	}
	left = float64(s.n)
	for m := int64(0); left > 100; m++ {
		for _, n := range []int64{-m, m} {
			e := float64(s.n) * p(scale, n)
			expected += e
			left -= e
			observed += s.counts[n]
			seen += s.counts[n]
			if expected >= 100 && left > 100 {
				flush()
			}
			if m == 0 {
				break
			}
		}
	}
	expected += left
	observed += s.n - seen
	flush()
	k, x := float64(cells-1), math.Log(1e5)
	return statistic > k+2*math.Sqrt(k*x)+2*x
}

// TestDistribution draws at least 10^6 times from each mechanism, and goes on
// until the likelihoods are decisive. The draws must fit the scale that is
// charged, and must be enough to reject one that is 0.5 % off: the same draws
// are shown to the same test with the wrong scale. False rejection: at most 1e-5
// by scale and 1e-5 by shape for each kind; the chance that 10^7 draws leave a
// verdict open is below 1e-9.
func TestDistribution(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
	}{
		{"gaussian", gaussianSpec(t, 0.1)},
		{"laplace", laplaceSpec(t, 0.2)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, scale := pmfOf(tt.spec.Kind), tt.spec.scale
			var s sample
			s.draw(t, tt.spec, 1_000_000)
			if s.chiSquare(p, scale) {
				t.Errorf("10^6 draws do not have the shape of a rounded %s with scale %g", tt.name, scale)
			}
			for {
				accepted, rejected := s.verdict(p, scale)
				if rejected {
					t.Fatalf("%d draws contradict the charged scale %g", s.n, scale)
				}
				_, high := s.verdict(p, scale*offScale)
				_, low := s.verdict(p, scale/offScale)
				if accepted && high && low {
					break
				}
				if s.n >= 10_000_000 {
					t.Fatalf("after %d draws: accepted %v; rejected when 0.5 %% high %v, low %v", s.n, accepted, high, low)
				}
				s.draw(t, tt.spec, 100_000)
			}
			s.checkMoments(t, tt.spec)
		})
	}
}

// checkMoments compares the draws with what Spec tells people about them. With
// 10^6 draws the standard error of a variance is at most 0.23 % (Laplace), that
// of a coverage 0.022 %: ten of each are allowed.
func (s *sample) checkMoments(t *testing.T, spec Spec) {
	t.Helper()
	var square float64
	covered, h := 0, spec.HalfWidth(0.95)
	for v, count := range s.counts {
		square += float64(v) * float64(v) * float64(count)
		if math.Abs(float64(v)) <= h {
			covered += count
		}
	}
	if got, want := square/float64(s.n), spec.Stddev*spec.Stddev; math.Abs(got-want) > 0.023*want {
		t.Errorf("variance = %g, stated %g", got, want)
	}
	if got := float64(covered) / float64(s.n); got < 0.95-0.0022 {
		t.Errorf("a 95 %% interval of ±%g covers %.4f", h, got)
	}
}

// TestShapeTestSeesRounding shows that the shape test has teeth: a rounded
// Gaussian of small σ is not the discrete Gaussian of that σ, whose mass at n is
// proportional to the density there.
func TestShapeTestSeesRounding(t *testing.T) {
	spec := gaussianSpec(t, 2.8)
	var s sample
	s.draw(t, spec, 100_000)
	if s.chiSquare(gaussianPMF, spec.scale) {
		t.Errorf("draws do not have the shape of a rounded Gaussian with σ = %g", spec.scale)
	}
	density := func(sigma float64, n int64) float64 {
		var sum float64
		for m := -40.0; m <= 40; m++ {
			sum += math.Exp(-m * m / (2 * sigma * sigma))
		}
		return math.Exp(-float64(n)*float64(n)/(2*sigma*sigma)) / sum
	}
	if !s.chiSquare(density, spec.scale) {
		t.Error("the shape test mistakes a rounded Gaussian for a discrete one")
	}
}

// TestLowBitsAreNoise: at the largest σ the noise still has every residue
// modulo 8, equally often, so that it hides the low bits of the exact value.
// False rejection: at most 1e-5 (χ², 7 degrees of freedom).
func TestLowBitsAreNoise(t *testing.T) {
	spec, ok := calibrateGaussian(Sensitivity{L0: 1, L1: 1 << 46, L2: 1 << 46, LInf: 1 << 46}, 250_800_000_000)
	if !ok || spec.scale < 0.99*maxSigma {
		t.Fatalf("σ = %g, want almost %d", spec.scale, int64(maxSigma))
	}
	const n = 40_000
	var counts [8]float64
	for range n {
		v, err := spec.Noise(privacy.Int128{})
		if err != nil {
			t.Fatal(err)
		}
		counts[v&7]++
	}
	var statistic float64
	for _, c := range counts {
		statistic += (c - n/8) * (c - n/8) / (n / 8)
	}
	if x := math.Log(1e5); statistic > 7+2*math.Sqrt(7*x)+2*x {
		t.Errorf("residues modulo 8 of %d draws: %v", n, counts)
	}
}

// TestHalfWidth: the interval has at least the stated coverage, and one step
// less would not.
func TestHalfWidth(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		spec := Spec{Kind: rapid.SampledFrom([]Kind{Gaussian, Laplace}).Draw(r, "kind"),
			scale: math.Exp(rapid.Float64Range(-3, 30).Draw(r, "ln scale"))}
		confidence := rapid.SampledFrom([]float64{0.5, 0.8, 0.9, 0.95, 0.99, 0.999999}).Draw(r, "confidence")
		outside := func(h float64) float64 {
			if spec.Kind == Laplace {
				return math.Exp(-(h + 0.5) / spec.scale)
			}
			return math.Erfc((h + 0.5) / spec.scale / math.Sqrt2)
		}
		h := spec.HalfWidth(confidence)
		if h != math.Trunc(h) || h < 0 {
			r.Fatalf("half-width %g is not a number of steps", h)
		}
		if got := outside(h); got > (1-confidence)*(1+1e-9) {
			r.Errorf("±%g misses with probability %g", h, got)
		}
		if got := outside(h - 1); h > 0 && got <= (1-confidence)*(1-1e-9) {
			r.Errorf("±%g is wider than needed: one less misses with probability %g", h, got)
		}
	})
}

// TestHalfWidthIsTight: from σ = 12 on, where single integers weigh less than
// 1 %, a 95 % interval covers 95 to 96 %.
func TestHalfWidthIsTight(t *testing.T) {
	for sigma := 12.0; sigma < 1000; sigma += 0.37 {
		h := Spec{Kind: Gaussian, scale: sigma}.HalfWidth(0.95)
		if got := math.Erf((h + 0.5) / sigma / math.Sqrt2); got < 0.95 || got > 0.96 {
			t.Errorf("σ = %g: ±%g covers %.4f", sigma, h, got)
		}
	}
}

func TestHalfWidthAtTheEdges(t *testing.T) {
	spec := gaussianSpec(t, 0.01)
	for confidence, want := range map[float64]float64{-1: 0, 0: 0, 1: math.Inf(1), 2: math.Inf(1)} {
		if got := spec.HalfWidth(confidence); got != want {
			t.Errorf("HalfWidth(%g) = %g, want %g", confidence, got, want)
		}
	}
	if got := spec.HalfWidth(math.NaN()); !math.IsInf(got, 1) {
		t.Errorf("HalfWidth(NaN) = %g", got)
	}
	if got := (Spec{}).HalfWidth(0.95); got != 0 {
		t.Errorf("HalfWidth of no noise = %g", got)
	}
}

// TestStddev compares the stated standard deviation with the sum over the
// distribution, on both sides of where the Gaussian's closed form takes over.
func TestStddev(t *testing.T) {
	for _, scale := range []float64{0.03, 0.1, 0.5, 0.7, 1, 3.9, 4.1, 40} {
		for _, kind := range []Kind{Gaussian, Laplace} {
			if kind == Gaussian && scale < 0.5 {
				continue // never used: see maxShift
			}
			spec := Spec{Kind: kind, scale: scale}
			var square float64
			for n := int64(1); float64(n) < 60*scale+20; n++ {
				square += 2 * float64(n) * float64(n) * pmfOf(kind)(scale, n)
			}
			if got, want := spec.stddev(), math.Sqrt(square); math.Abs(got-want) > 1e-9*want {
				t.Errorf("%s, scale %g: stddev %.12g, want %.12g", kind, scale, got, want)
			}
		}
	}
}
