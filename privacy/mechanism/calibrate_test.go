package mechanism

import (
	"math"
	"testing"
	"time"

	"github.com/google/differential-privacy/go/v3/noise"
	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

// counts is the sensitivity of a vector of counts under contribution bounds.
func counts(l0, c int64) Sensitivity {
	b := privacy.Bounds{MaxPartitions: l0, MaxRowsPerPartition: c}
	return Sensitivity{L0: l0, L1: b.L1Rows(), L2: b.L2Rows(), LInf: c}
}

// TestCalibrateNeverCostsMore: whatever is chosen costs at most the price, and
// the price covers the scale that is really used.
func TestCalibrateNeverCostsMore(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := counts(rapid.Int64Range(1, 1<<20).Draw(r, "l0"), rapid.Int64Range(1, 1<<12).Draw(r, "c"))
		mu2 := math.Exp(rapid.Float64Range(math.Log(2e-6), math.Log(MaxMu2)).Draw(r, "ln mu2"))
		spec, err := Calibrate(s, mu2)
		if err != nil {
			r.Fatal(err)
		}
		paid, delta := spec.Cost.Real()
		if spec.Cost.Mu2 > int64(mu2*privacy.Mu2Unit) {
			r.Errorf("costs %g, asked %g", paid, mu2)
		}
		var lost float64
		switch spec.Kind {
		case Gaussian:
			lost = s.L2 * s.L2 / (spec.scale * spec.scale)
			shift := float64(s.LInf) / spec.scale
			if least := float64(s.L0) * math.Erfc((8.811-shift)/math.Sqrt2) / 2; shift > 2 || delta < least {
				r.Errorf("σ = %g for a shift of %d: δ = %g, the tails alone lose %g", spec.scale, s.LInf, delta, least)
			}
		case Laplace:
			lost = math.Pow(privacy.LaplaceMu(s.L1/spec.scale), 2)
			if delta != 0 {
				r.Errorf("Laplace costs δ = %g", delta)
			}
		}
		if lost > paid {
			r.Errorf("%s with scale %g loses %.15g, charged %.15g", spec.Kind, spec.scale, lost, paid)
		}
		if spec.Stddev < spec.scale && spec.Kind == Gaussian {
			r.Errorf("stddev %g below σ = %g", spec.Stddev, spec.scale)
		}
	})
}

// TestChargedScaleIsTheSamplers: the σ that is charged is what the library
// computes from the arguments that Noise passes, bit for bit; and never above
// 2^47, where its passage through a float64 would begin to show.
func TestChargedScaleIsTheSamplers(t *testing.T) {
	for c := int64(1); c < 1<<45; c = c*3 + 1 {
		s, ok := calibrateGaussian(counts(3, c), 1e12)
		if sampler := noise.SigmaForGaussian(1, float64(s.linf), s.epsilon, s.delta); !ok || s.scale != sampler {
			t.Errorf("c = %d: charged σ = %g, the sampler uses %g", c, s.scale, sampler)
		}
	}
	if s, ok := calibrateGaussian(counts(1, 1<<47+1), 1e12); ok {
		t.Errorf("σ = %g was not refused", s.scale)
	}
}

// TestCalibrateWastesLittle: where no limit binds, σ is within 0.11 % of the
// least that the price allows, down to the smallest.
func TestCalibrateWastesLittle(t *testing.T) {
	for mu2 := 2e-6; mu2 < 4; mu2 *= 1.01 {
		spec := gaussianSpec(t, mu2)
		if ideal := 1 / math.Sqrt(mu2); spec.scale > ideal*1.0011 {
			t.Errorf("μ² = %g: σ = %g, the least is %g", mu2, spec.scale, ideal)
		}
	}
}

// TestCalibrateChoosesLessNoise: the choice falls to whichever kind adds the
// smaller standard deviation at the price.
func TestCalibrateChoosesLessNoise(t *testing.T) {
	tests := []struct {
		s    Sensitivity
		mu2  float64
		want Kind
	}{
		{counts(1, 1), 1e-4, Gaussian},
		{counts(1, 1), 1, Gaussian},
		{counts(1, 1), 20, Laplace}, // the Gaussian is held at σ = ½
		{counts(1, 1), 256, Laplace},
		{counts(14, 1), 256, Gaussian}, // held at σ = ½, still less noisy
		{counts(14, 12), 1, Gaussian},
		{counts(1, 1000), 256, Laplace},
	}
	for _, tt := range tests {
		got, err := Calibrate(tt.s, tt.mu2)
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind != tt.want {
			t.Errorf("%+v at μ² = %g: %s, want %s", tt.s, tt.mu2, got.Kind, tt.want)
		}
		limit := int64(tt.mu2 * privacy.Mu2Unit)
		g, okG := calibrateGaussian(tt.s, limit)
		l, okL := calibrateLaplace(tt.s, limit)
		if okG && g.Stddev < got.Stddev || okL && l.Stddev < got.Stddev {
			t.Errorf("%+v at μ² = %g: chose %g of %g and %g", tt.s, tt.mu2, got.Stddev, g.Stddev, l.Stddev)
		}
	}
}

// TestLaplaceCrossover records where continuous Laplace noise on one coordinate
// gets smaller than Gaussian at the same charge, if the Gaussian could be had
// there: at ε = 12.93, μ² = 83.6.
func TestLaplaceCrossover(t *testing.T) {
	wins := func(epsilon float64) bool { return math.Sqrt2/epsilon < 1/privacy.LaplaceMu(epsilon) }
	if wins(12.92) || !wins(12.94) {
		t.Error("the crossover is not between ε = 12.92 and 12.94")
	}
}

// TestLaplaceChargesHalves: at large scales the grid is coarse, and what its
// halves cost on every coordinate is part of the charge.
func TestLaplaceChargesHalves(t *testing.T) {
	s := counts(100, 1<<30)
	spec, ok := calibrateLaplace(s, 200*privacy.Mu2Unit)
	if !ok {
		t.Fatal("no Laplace")
	}
	grid := math.Exp2(math.Ceil(math.Log2(spec.scale)) - 40)
	mu := privacy.LaplaceMu(s.L1/spec.scale - 100*math.Log(1-grid))
	if paid, _ := spec.Cost.Real(); paid < mu*mu {
		t.Errorf("charged %.9g, loses %.9g", paid, mu*mu)
	}
}

func TestCalibrateIsDeterministic(t *testing.T) {
	a, err := Calibrate(counts(14, 12), 0.01)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := Calibrate(counts(14, 12), 0.01); a != b {
		t.Errorf("%+v then %+v", a, b)
	}
}

// TestSharesNeverExceedTheWhole: a price split over draws is not exceeded by the
// sum of their charges, in the ledger's integers.
func TestSharesNeverExceedTheWhole(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		whole := rapid.Float64Range(1e-5, 10).Draw(r, "mu2")
		n := rapid.IntRange(1, 20).Draw(r, "draws")
		var total privacy.Cost
		for range n {
			spec, err := Calibrate(counts(14, 12), whole/float64(n))
			if err != nil {
				r.Fatal(err)
			}
			total = total.Add(spec.Cost)
		}
		// whole/n is a float64, so n of them may exceed whole by an ulp each.
		if limit, _ := privacy.CostOf(whole*(1+1e-15), 0); total.Mu2 > limit.Mu2 {
			r.Errorf("%d shares of %g cost %d, the whole %d", n, whole, total.Mu2, limit.Mu2)
		}
	})
}

// finishes fails when f hangs, as the library does on parameters that this
// package must refuse. The limit is generous: it measures nothing.
func finishes(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("does not return")
	}
}

func TestCalibrateRefusals(t *testing.T) {
	ok := counts(14, 12)
	with := func(change func(*Sensitivity)) Sensitivity { s := ok; change(&s); return s }
	tests := map[string]struct {
		s   Sensitivity
		mu2 float64
	}{
		"zero price":         {ok, 0},
		"negative price":     {ok, -1},
		"denormal price":     {ok, 1e-320},
		"below a unit":       {ok, 9e-13},
		"large price":        {ok, 800},
		"NaN price":          {ok, math.NaN()},
		"infinite price":     {ok, math.Inf(1)},
		"minus infinity":     {ok, math.Inf(-1)},
		"no L0":              {with(func(s *Sensitivity) { s.L0 = 0 }), 1},
		"negative L0":        {with(func(s *Sensitivity) { s.L0 = math.MinInt64 }), 1},
		"large L0":           {with(func(s *Sensitivity) { s.L0 = math.MaxInt64 }), 1},
		"no LInf":            {with(func(s *Sensitivity) { s.LInf = 0 }), 1},
		"negative LInf":      {with(func(s *Sensitivity) { s.LInf = -1 }), 1},
		"large LInf":         {with(func(s *Sensitivity) { s.LInf = math.MaxInt64 }), 1},
		"product wraps to 0": {with(func(s *Sensitivity) { s.L0, s.LInf = 1<<31, 1<<33 }), 1},
		"product of 2^63":    {with(func(s *Sensitivity) { s.L0, s.LInf = 1<<31, 1<<32 }), 1},
		"NaN L1":             {with(func(s *Sensitivity) { s.L1 = math.NaN() }), 1},
		"infinite L1":        {with(func(s *Sensitivity) { s.L1 = math.Inf(1) }), 1},
		"zero L1":            {with(func(s *Sensitivity) { s.L1 = 0 }), 1},
		"denormal L1":        {with(func(s *Sensitivity) { s.L1 = 1e-320 }), 1},
		"NaN L2":             {with(func(s *Sensitivity) { s.L2 = math.NaN() }), 1},
		"infinite L2":        {with(func(s *Sensitivity) { s.L2 = math.Inf(1) }), 1},
		"zero L2":            {with(func(s *Sensitivity) { s.L2 = 0 }), 1},
		"fractional L2":      {with(func(s *Sensitivity) { s.L2 = 0.5 }), 1},
		"too much noise":     {counts(1, 1<<40), 2e-6},
		"nothing":            {Sensitivity{}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			finishes(t, func() {
				spec, err := Calibrate(tt.s, tt.mu2)
				if privacy.CodeOf(err) != privacy.CodePrivacyParameters {
					t.Errorf("got %+v, %v", spec, err)
				}
			})
		})
	}
}

// TestExtremesThatAreAllowed: at the corners of what Calibrate accepts, the
// library returns, and no sum wraps.
func TestExtremesThatAreAllowed(t *testing.T) {
	tests := map[string]struct {
		s   Sensitivity
		mu2 float64
	}{
		"least price":    {counts(1, 1), 1e-12},
		"largest price":  {counts(1, 1), MaxMu2},
		"largest L0":     {counts(privacy.MaxBound, 1), MaxMu2},
		"largest sigma":  {counts(1, 1<<46), 0.26},
		"Laplace, large": {counts(1, 1<<40), MaxMu2},
		"m below c":      {Sensitivity{L0: 14, L1: 3, L2: 3, LInf: 12}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			finishes(t, func() {
				spec, err := Calibrate(tt.s, tt.mu2)
				if err != nil {
					t.Error(err)
					return
				}
				for _, exact := range []int64{math.MinInt64, -privacy.MaxRelease, 0, privacy.MaxRelease, math.MaxInt64} {
					v, err := spec.Noise(privacy.Int128From(exact))
					near := float64(max(-privacy.MaxRelease, min(privacy.MaxRelease, exact)))
					if err != nil || math.Abs(float64(v)-near) > 60*spec.Stddev+1e4 {
						t.Errorf("%d became %d, %v", exact, v, err)
					}
				}
			})
		})
	}
}
