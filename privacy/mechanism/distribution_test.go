package mechanism

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

// These tests state what a draw's distribution is without using the code under
// test: that of a rounded Gaussian or Laplace variable, by the formulas of the
// continuous one.

// tail is the P(Y ≥ y), y ≥ 0, of a symmetric variable with a scale.
type tail func(scale, y float64) float64

func gaussianTail(sigma, y float64) float64 { return math.Erfc(y/sigma/math.Sqrt2) / 2 }
func laplaceTail(b, y float64) float64      { return math.Exp(-y/b) / 2 }

// law is the exact distribution of rounded noise, in cells of 2^shift integers.
type law struct {
	tail  tail
	shift uint
}

func lawOf(k Kind) law {
	if k == Laplace {
		return law{tail: laplaceTail}
	}
	return law{tail: gaussianTail}
}

// p is the probability of c·2^shift ≤ round(Y) < (c+1)·2^shift, which is
// Y ∈ [c·2^shift − ½, (c+1)·2^shift − ½).
func (l law) p(scale float64, c int64) float64 {
	width := math.Exp2(float64(l.shift))
	lo, hi := float64(c)*width-0.5, float64(c+1)*width-0.5
	switch {
	case lo >= 0:
		return l.tail(scale, lo) - l.tail(scale, hi)
	case hi <= 0:
		return l.tail(scale, -hi) - l.tail(scale, -lo)
	default:
		return 1 - l.tail(scale, -lo) - l.tail(scale, hi)
	}
}

// gaussianSpec and laplaceSpec return the mechanism of one kind for a count of
// units in one group, whatever Calibrate would choose.
func gaussianSpec(t testing.TB, mu2 float64) Spec {
	t.Helper()
	s, ok := calibrateGaussian(counts(1, 1), int64(mu2*privacy.Mu2Unit))
	if !ok {
		t.Fatalf("no Gaussian at μ² = %g", mu2)
	}
	return s
}

func laplaceSpec(t testing.TB, mu2 float64) Spec {
	t.Helper()
	s, ok := calibrateLaplace(counts(1, 1), int64(mu2*privacy.Mu2Unit))
	if !ok {
		t.Fatalf("no Laplace at μ² = %g", mu2)
	}
	return s
}

// sample counts draws of noise on 0 by cell.
type sample struct {
	law    law
	counts map[int64]int
	n      int
}

func (s *sample) draw(t *testing.T, spec Spec, n int) {
	t.Helper()
	if s.counts == nil {
		s.counts = map[int64]int{}
	}
	noised := make([]int64, min(n, 50_000)) // so many that several processors share them
	for drawn := 0; drawn < n; drawn += len(noised) {
		if err := spec.NoiseAll(noised, make([]privacy.Int128, len(noised))); err != nil {
			t.Fatal(err)
		}
		for _, v := range noised {
			s.counts[v>>s.law.shift]++
		}
		s.n += len(noised)
	}
}

const (
	offScale = 1.005 // the error in scale that must be seen
	// Two alternatives, each with a false-rejection probability of 5e-7.
	certainty = 14.51 // ln(1/5e-7)
)

// verdict is a sequential likelihood-ratio test of a declared scale against
// scales 0.5 % larger and smaller. The ratio is a martingale with mean 1 under
// the declared scale, so by Ville's inequality it ever exceeds 1/α with
// probability at most α, however often and however long one looks: the
// false-rejection probability of a whole run is at most 1e-6.
func (s *sample) verdict(declared float64) (accepted, rejected bool) {
	accepted = true
	for _, other := range []float64{declared * offScale, declared / offScale} {
		var ratio float64
		for c, count := range s.counts {
			ratio += float64(count) * math.Log(s.law.p(other, c)/s.law.p(declared, c))
		}
		accepted = accepted && ratio <= -certainty
		rejected = rejected || ratio >= certainty
	}
	return accepted, rejected
}

// tooLarge reports whether a χ² statistic with k degrees of freedom exceeds
// k + 2√(kx) + 2x, which it does with probability at most e^−x (Laurent, Massart
// 2000, Lemma 1); x = ln 1e6, so that false rejections have at most 1e-6.
func tooLarge(statistic float64, k int) bool {
	x := math.Log(1e6)
	return statistic > float64(k)+2*math.Sqrt(float64(k)*x)+2*x
}

// chiSquare tests the shape. It pools cells, from 0 outwards, until 100 draws
// are expected in each.
func (s *sample) chiSquare(scale float64) (rejected bool) {
	var statistic, expected float64
	pools, observed, seen, left := 0, 0, 0, float64(s.n)
	flush := func() {
		d := float64(observed) - expected
		statistic += d * d / expected
		pools++
		expected, observed = 0, 0
	}
	for m := int64(0); left > 100; m++ {
		for _, c := range []int64{m, -m - 1} {
			e := float64(s.n) * s.law.p(scale, c)
			expected += e
			left -= e
			observed += s.counts[c]
			seen += s.counts[c]
			if expected >= 100 && left > 100 {
				flush()
			}
		}
	}
	expected += left
	observed += s.n - seen
	flush()
	return tooLarge(statistic, pools-1)
}

// TestDistribution draws at least 10^6 times at each scale, and goes on until
// the likelihoods are decisive. The draws must fit the law of the scale that is
// charged, P(N = n) = P(n − ½ ≤ Y < n + ½), and must be enough to reject a scale
// that is 0.5 % off: the same draws are shown to the same test with the wrong
// scale. False rejection: at most 1e-6 by scale and 1e-6 by shape for each; the
// chance that 3·10^7 draws leave a verdict open is below 1e-9.
func TestDistribution(t *testing.T) {
	tests := []struct {
		kind  Kind
		scale float64
		shift uint
	}{
		{Gaussian, 0.3, 0},
		{Gaussian, 1, 0},
		{Gaussian, 3.1622776601683795, 0},
		{Gaussian, 50.2098, 0},
		{Gaussian, 1 << 40, 37},
		{Gaussian, maxScale, 52},
		{Laplace, 0.3, 0},
		{Laplace, 1, 0},
		{Laplace, 20.7, 0},
		{Laplace, 1 << 40, 37},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %g", tt.kind, tt.scale), func(t *testing.T) {
			t.Parallel()
			checkLaw(t, Spec{Kind: tt.kind, scale: tt.scale}, tt.shift)
		})
	}
}

// TestDistributionOfShards is TestDistribution for 10^6 draws and more that eight
// goroutines make, with its probabilities.
func TestDistributionOfShards(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	for _, kind := range []Kind{Gaussian, Laplace} {
		checkLaw(t, Spec{Kind: kind, scale: 20.7}, 0)
	}
}

// checkLaw draws until the likelihoods are decisive; cells have 2^shift integers.
func checkLaw(t *testing.T, spec Spec, shift uint) {
	t.Helper()
	s := sample{law: lawOf(spec.Kind)}
	s.law.shift = shift
	s.draw(t, spec, 1_000_000)
	if s.chiSquare(spec.scale) {
		t.Errorf("10^6 draws do not have the shape of a rounded %s with scale %g", spec.Kind, spec.scale)
	}
	for {
		accepted, rejected := s.verdict(spec.scale)
		if rejected {
			t.Fatalf("%d draws contradict the charged scale %g", s.n, spec.scale)
		}
		_, high := s.verdict(spec.scale * offScale)
		_, low := s.verdict(spec.scale / offScale)
		if accepted && high && low {
			break
		}
		if s.n >= 30_000_000 {
			t.Fatalf("after %d draws: accepted %v; rejected when 0.5 %% high %v, low %v", s.n, accepted, high, low)
		}
		s.draw(t, spec, 250_000)
	}
	if shift == 0 {
		s.checkMoments(t, spec)
	}
}

// checkMoments compares the draws with what Spec tells people about them. With
// 10^6 draws the standard error of a variance is at most 0.32 % (Laplace, 0.3),
// that of a coverage 0.022 %: ten of each are allowed.
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
	if got, want := square/float64(s.n), math.Pow(spec.stddev(), 2); math.Abs(got-want) > 0.032*want {
		t.Errorf("variance = %g, stated %g", got, want)
	}
	if got := float64(covered) / float64(s.n); got < 0.95-0.0022 {
		t.Errorf("a 95 %% interval of ±%g covers %.4f", h, got)
	}
}

// TestShapeTestSeesRounding shows that the shape test has teeth: a rounded
// Gaussian of small σ is not the discrete Gaussian of the same variance, whose
// mass at n is proportional to a Gaussian density there.
func TestShapeTestSeesRounding(t *testing.T) {
	spec := Spec{Kind: Gaussian, scale: 0.6}
	s := sample{law: lawOf(Gaussian)}
	s.draw(t, spec, 1_000_000)
	discrete := func(v float64, n int64) float64 {
		var sum float64
		for m := -40.0; m <= 40; m++ {
			sum += math.Exp(-m * m / (2 * v))
		}
		return math.Exp(-float64(n)*float64(n)/(2*v)) / sum
	}
	var statistic float64
	for n := int64(-2); n <= 2; n++ {
		e := float64(s.n) * discrete(spec.stddev()*spec.stddev(), n)
		statistic += math.Pow(float64(s.counts[n])-e, 2) / e
	}
	if !tooLarge(statistic, 4) {
		t.Error("a rounded Gaussian passes for a discrete one")
	}
	if s.chiSquare(spec.scale) {
		t.Errorf("draws do not have the shape of a rounded Gaussian with σ = %g", spec.scale)
	}
}

// TestLowBitsAreNoise: at large scales every residue modulo 256 occurs, equally
// often, so that the noise hides the low bits of the exact value: it lies on no
// coarser lattice than the integers. False rejection: at most 1e-6 for each (χ²,
// 255 degrees of freedom).
func TestLowBitsAreNoise(t *testing.T) {
	for _, spec := range []Spec{
		{Kind: Gaussian, scale: 1 << 40}, {Kind: Gaussian, scale: maxScale}, {Kind: Gaussian, scale: 1e16},
		{Kind: Laplace, scale: 1 << 40}, {Kind: Laplace, scale: maxScale},
	} {
		const n = 200_000
		var counts [256]float64
		noised := make([]int64, n)
		if err := spec.NoiseAll(noised, make([]privacy.Int128, n)); err != nil {
			t.Fatal(err)
		}
		for _, v := range noised {
			counts[v&255]++
		}
		var statistic float64
		for residue, c := range counts {
			statistic += (c - n/256.0) * (c - n/256.0) / (n / 256.0)
			if c == 0 {
				t.Errorf("%s, %g: residue %d never occurs", spec.Kind, spec.scale, residue)
			}
		}
		if tooLarge(statistic, 255) {
			t.Errorf("%s, %g: residues modulo 256 of %d draws have χ² = %g", spec.Kind, spec.scale, n, statistic)
		}
	}
}

// TestDrawsAreIndependent: pairs of consecutive draws follow the product of the
// law with itself. False rejection: at most 1e-6 for each (χ²).
func TestDrawsAreIndependent(t *testing.T) {
	const pairs = 500_000
	for _, spec := range []Spec{{Kind: Gaussian, scale: 1}, {Kind: Laplace, scale: 1}} {
		var counts [7][7]float64 // values from −3 to 3, the tails with the last
		clamp := func(v int64) int64 { return max(-3, min(3, v)) + 3 }
		noised := make([]int64, 2*pairs)
		if err := spec.NoiseAll(noised, make([]privacy.Int128, len(noised))); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(noised); i += 2 {
			counts[clamp(noised[i])][clamp(noised[i+1])]++
		}
		p := func(i int) float64 {
			if i == 0 || i == 6 {
				return lawOf(spec.Kind).tail(spec.scale, 2.5)
			}
			return lawOf(spec.Kind).p(spec.scale, int64(i-3))
		}
		var statistic float64
		for i := range counts {
			for j, c := range counts[i] {
				e := pairs * p(i) * p(j)
				statistic += (c - e) * (c - e) / e
			}
		}
		if tooLarge(statistic, 48) {
			t.Errorf("%s: pairs of consecutive draws have χ² = %g", spec.Kind, statistic)
		}
	}
}

// TestNoSerialCorrelation: at none of the lags 1 to 8 are draws correlated, nor
// those at the same place in the ranges of two of eight goroutines. Each coefficient
// times the root of the number of pairs is standard normal in the limit;
// 24·P(Z > 5.6) is below 3e-7 for each kind.
func TestNoSerialCorrelation(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	const n = 1_000_000
	for _, spec := range []Spec{{Kind: Gaussian, scale: 50}, {Kind: Laplace, scale: 50}} {
		noised := make([]int64, n)
		if err := spec.NoiseAll(noised, make([]privacy.Int128, n)); err != nil {
			t.Fatal(err)
		}
		for _, lag := range []int{1, 2, 3, 4, 5, 6, 7, 8, n / 8, n / 4, n / 2, 3 * n / 4} {
			var sum float64
			for i := lag; i < n; i++ {
				sum += float64(noised[i]) * float64(noised[i-lag])
			}
			if z := sum / math.Pow(spec.stddev(), 2) / math.Sqrt(float64(n-lag)); math.Abs(z) > 5.6 {
				t.Errorf("%s: at lag %d the correlation is %g standard errors", spec.Kind, lag, z)
			}
		}
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
	for _, scale := range []float64{0.03, 0.1, 0.3, 0.5, 0.7, 1, 3.9, 4.1, 40} {
		for _, kind := range []Kind{Gaussian, Laplace} {
			spec := Spec{Kind: kind, scale: scale}
			var square float64
			for n := int64(1); float64(n) < 60*scale+20; n++ {
				square += 2 * float64(n) * float64(n) * lawOf(kind).p(scale, n)
			}
			if got, want := spec.stddev(), math.Sqrt(square); math.Abs(got-want) > 1e-9*want {
				t.Errorf("%s, scale %g: stddev %.12g, want %.12g", kind, scale, got, want)
			}
		}
	}
}
