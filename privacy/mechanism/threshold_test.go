package mechanism

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

// exactKeep is the probability that a group with exact count n is shown at a
// threshold, summed over the distribution of the rounded noise.
func exactKeep(spec Spec, threshold, n int64) float64 {
	p, m := lawOf(spec.Kind).p, threshold-n
	var below float64
	if m <= 0 {
		for v := m; v < 1-m; v++ {
			below += p(spec.scale, v)
		}
		return below + exactKeep(spec, 1-m, 0)
	}
	var keep float64
	for v := m; float64(v-m) < 60*spec.scale+20; v++ {
		keep += p(spec.scale, v)
	}
	return keep
}

// atLeast returns P(Bin(n, p) ≥ k). Rejecting "the rate is at most p" when it is
// below α is the lower Clopper–Pearson bound at α.
func atLeast(n, k int, p float64) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	var sum float64
	for i := k; i <= n && i < k+20_000; i++ {
		sum += math.Exp(lg(n) - lg(i) - lg(n-i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// TestThresholdProperty: over kinds, scales, bounds and δ, a group that one unit
// alone makes up is shown with probability at most δ/L0, by the exact
// distribution of the rounded noise; and the stated probabilities are those of
// that distribution. Leaving out the ½ fails here for most draws.
func TestThresholdProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		spec := Spec{Kind: rapid.SampledFrom([]Kind{Gaussian, Laplace}).Draw(r, "kind"),
			scale: math.Exp(rapid.Float64Range(-0.6, 5).Draw(r, "ln scale"))}
		perUnit := rapid.Int64Range(1, 50).Draw(r, "per unit")
		l0 := rapid.Int64Range(1, 1000).Draw(r, "l0")
		delta := math.Exp(rapid.Float64Range(math.Log(1e-9), math.Log(0.0999)).Draw(r, "ln delta"))
		threshold, err := NewThreshold(spec, perUnit, l0, delta)
		if err != nil {
			r.Fatal(err)
		}
		alone := exactKeep(spec, threshold.Value(), perUnit)
		if limit := delta / float64(l0); alone > limit*(1+1e-9) {
			r.Errorf("a lone unit's group is shown with probability %g, allowed %g", alone, limit)
		}
		for _, n := range []int64{0, 1, perUnit, threshold.Value() - 1, threshold.Value(), threshold.Value() + 7} {
			got, want := threshold.KeepProbability(n), exactKeep(spec, threshold.Value(), n)
			if math.Abs(got-want) > 1e-6*want+1e-13 {
				r.Errorf("KeepProbability(%d) = %g, want %g", n, got, want)
			}
		}
	})
}

// worst returns, of the mechanisms of one kind with scales between 0.9 and 1.3,
// the one for which a threshold without the ½ would exceed δ most.
func worst(t *testing.T, kind Kind, delta float64) Spec {
	t.Helper()
	var spec Spec
	var most float64
	for target := 0.9; target < 1.3; target += 0.001 {
		var s Spec
		if kind == Gaussian {
			s = gaussianSpec(t, 1/(target*target))
		} else {
			mu := privacy.LaplaceMu(1 / target)
			s = laplaceSpec(t, mu*mu)
		}
		m := int64(math.Ceil(s.upperQuantile(delta)))
		if keep := exactKeep(s, m, 0); keep > most {
			spec, most = s, keep
		}
	}
	return spec
}

// TestThresholdOnDraws noises the count of a lone unit's group and decides: at
// δ = 1e-3 the group is shown no oftener than δ allows. The scale is the one at
// which a missing ½ shows most, and the same draws must reveal it: the test has
// the power to see what it guards against. False rejection: at most 1e-5 per
// kind; the chance to miss the missing ½ is below 1e-9 (true rates of more
// than 1.4 δ, 200,000 draws).
func TestThresholdOnDraws(t *testing.T) {
	const n, delta, perUnit = 200_000, 1e-3, 1
	for _, kind := range []Kind{Gaussian, Laplace} {
		t.Run(string(kind), func(t *testing.T) {
			spec := worst(t, kind, delta)
			threshold, err := NewThreshold(spec, perUnit, 1, delta)
			if err != nil {
				t.Fatal(err)
			}
			careless := perUnit + int64(math.Ceil(spec.upperQuantile(delta)))
			shown, carelesslyShown := 0, 0
			for range n {
				v, err := spec.Noise(privacy.Int128From(perUnit))
				if err != nil {
					t.Fatal(err)
				}
				if threshold.Keep(v) {
					shown++
				}
				if v >= careless {
					carelesslyShown++
				}
			}
			if atLeast(n, shown, delta) < 1e-5 {
				t.Errorf("shown %d times in %d, more than δ = %g allows", shown, n, delta)
			}
			if atLeast(n, carelesslyShown, delta) >= 1e-5 {
				t.Errorf("without the ½: shown %d times in %d, which δ = %g would allow: the test is blind", carelesslyShown, n, delta)
			}
		})
	}
}

// TestThresholdTable fixes values worked out by hand from
// perUnit + ⌈σ·Φ̄⁻¹(δ/L0) + ½⌉ and perUnit + ⌈b·ln(L0/2δ) + ½⌉.
func TestThresholdTable(t *testing.T) {
	tests := []struct {
		spec        Spec
		perUnit, l0 int64
		delta       float64
		want        int64
	}{
		{Spec{Kind: Gaussian, scale: 50}, 1, 1, 1e-9, 302},  // 50·5.99781 + ½ = 300.39
		{Spec{Kind: Gaussian, scale: 50}, 12, 1, 1e-9, 313}, // row counts: LInf instead of 1
		{Spec{Kind: Gaussian, scale: 10}, 1, 10, 1e-9, 66},  // 10·6.36134 + ½ = 64.11
		{Spec{Kind: Gaussian, scale: 1}, 1, 1, 0.1, 3},      // 1.28155 + ½ = 1.78
		{Spec{Kind: Laplace, scale: 2}, 1, 1, 1e-6, 28},     // 2·13.12236 + ½ = 26.74
		{Spec{Kind: Laplace, scale: 2}, 5, 10, 1e-6, 37},    // 2·15.42495 + ½ = 31.35
		{Spec{Kind: Laplace, scale: 0.03}, 1, 1, 1e-9, 3},   // 0.03·20.03 + ½ = 1.10
		{Spec{Kind: Gaussian, scale: 50}, 1, 1, 1e-16, 413}, // 50·8.22208 + ½ = 411.60
	}
	for _, tt := range tests {
		got, err := NewThreshold(tt.spec, tt.perUnit, tt.l0, tt.delta)
		if err != nil {
			t.Fatal(err)
		}
		if got.Value() != tt.want {
			t.Errorf("%s %g, perUnit %d, L0 %d, δ %g: threshold %d, want %d",
				tt.spec.Kind, tt.spec.scale, tt.perUnit, tt.l0, tt.delta, got.Value(), tt.want)
		}
		if !got.Keep(tt.want) || got.Keep(tt.want-1) {
			t.Errorf("Keep does not switch at %d", tt.want)
		}
	}
}

func TestThresholdRefusals(t *testing.T) {
	spec := gaussianSpec(t, 0.01)
	for _, delta := range []float64{0, -1, 1, 0.11, 1e-320, 9e-19, math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := NewThreshold(spec, 1, 1, delta); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
			t.Errorf("δ = %g: %v", delta, err)
		}
	}
	for _, bounds := range [][2]int64{{0, 1}, {-1, 1}, {math.MaxInt64, 1}, {1, 0}, {1, -1}, {1, privacy.MaxBound + 1}} {
		if _, err := NewThreshold(spec, bounds[0], bounds[1], 1e-9); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
			t.Errorf("perUnit, L0 = %v: %v", bounds, err)
		}
	}
	if _, err := NewThreshold(Spec{}, 1, 1, 1e-9); err == nil {
		t.Error("a threshold on no noise was given")
	}
}

// TestZeroThresholdShowsNothing: forgetting to set a threshold must hide.
func TestZeroThresholdShowsNothing(t *testing.T) {
	var zero Threshold
	if zero.Keep(math.MaxInt64) || zero.KeepProbability(math.MaxInt64) != 0 || zero.Value() != math.MaxInt64 {
		t.Error("the zero Threshold shows a group")
	}
}

func TestKeepProbabilityOutOfRange(t *testing.T) {
	threshold, err := NewThreshold(gaussianSpec(t, 0.01), 1, 1, 1e-9)
	if err != nil {
		t.Fatal(err)
	}
	if got := threshold.KeepProbability(math.MaxInt64); got != 1 {
		t.Errorf("KeepProbability(MaxInt64) = %g", got)
	}
	if got := threshold.KeepProbability(math.MinInt64); got != threshold.KeepProbability(0) {
		t.Errorf("KeepProbability(MinInt64) = %g", got)
	}
}
