package mechanism

import (
	"math"
	"testing"
	"time"

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
		limit := int64(mu2 * privacy.Mu2Unit)
		gaussian, okGaussian := calibrateGaussian(s, limit)
		laplace, okLaplace := calibrateLaplace(s, limit)
		if !okGaussian || !okLaplace {
			r.Fatal("out of range")
		}
		for _, spec := range []Spec{gaussian, laplace} {
			paid, delta := spec.Cost.Real()
			if spec.Cost.Mu2 > limit || delta != 0 {
				r.Errorf("%s costs %g and δ = %g, asked %g", spec.Kind, paid, delta, mu2)
			}
			lost := s.L2 * s.L2 / (spec.scale * spec.scale)
			if spec.Kind == Laplace {
				// The worst shift moves L1/LInf coordinates by LInf.
				lost = s.L1 / float64(s.LInf) * wantH(float64(s.LInf)/spec.scale)
			}
			if lost > paid {
				r.Errorf("%s with scale %g loses %.15g, charged %.15g", spec.Kind, spec.scale, lost, paid)
			}
		}
		if spec, err := Calibrate(s, mu2); err != nil || spec != gaussian && spec != laplace {
			r.Errorf("chose %+v, %v", spec, err)
		}
	})
}

// TestCalibrateWastesNothing: σ is the least that the price allows, but for the
// margin of roundoff and the ledger's unit.
func TestCalibrateWastesNothing(t *testing.T) {
	for mu2 := 2e-6; mu2 < MaxMu2; mu2 *= 1.01 {
		unit := 1 / (mu2 * privacy.Mu2Unit)
		spec := gaussianSpec(t, mu2)
		if ideal := 1 / math.Sqrt(mu2); spec.scale > ideal*(1+unit+1e-11) {
			t.Errorf("μ² = %g: σ = %g, the least is %g", mu2, spec.scale, ideal)
		}
		if got := wantH(1 / laplaceSpec(t, mu2).scale); got < mu2*(1-unit-1e-11) {
			t.Errorf("μ² = %g: only %g is lost", mu2, got)
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
		{counts(14, 12), 1, Gaussian},
		{counts(1, 1000), 11.2, Gaussian},
		{counts(1, 1000), 11.4, Laplace},
		{counts(14, 1000), 14 * 11.2, Gaussian}, // the price of each coordinate decides
		{counts(14, 1000), 14 * 11.4, Laplace},
		{counts(1, 1), 64, Gaussian}, // almost always rounded to 0
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

// finishes fails when f hangs, as samplers do that search or step on parameters
// that this package must refuse. The limit is generous: it measures nothing.
func finishes(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(5 * time.Minute):
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
		"too much noise":     {counts(1, 1<<46), 2e-6},
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

// TestExtremesThatAreAllowed: at the corners of what Calibrate accepts, draws
// end, and no sum wraps.
func TestExtremesThatAreAllowed(t *testing.T) {
	tests := map[string]struct {
		s   Sensitivity
		mu2 float64
	}{
		"least price":    {counts(1, 1), 1e-12},
		"largest price":  {counts(1, 1), MaxMu2},
		"largest L0":     {counts(privacy.MaxBound, 1), MaxMu2},
		"largest sigma":  {counts(1, 1<<54), 0.2501},
		"Laplace, large": {counts(1, 1<<40), MaxMu2},
		"m below c":      {Sensitivity{L0: 14, L1: 3, L2: 3, LInf: 12}, 1},
		"one of many":    {Sensitivity{L0: privacy.MaxBound, L1: 1, L2: 1, LInf: 1<<32 - 1}, 1},
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

// FuzzCalibrate: no parameters make Calibrate hang, fail otherwise than by
// refusing, or return what costs more than asked or cannot be drawn.
func FuzzCalibrate(f *testing.F) {
	f.Add(int64(1), int64(1), 1.0, 1.0, 1.0)
	f.Add(int64(14), int64(12), 168.0, 44.9, 0.01)
	f.Add(int64(1<<31), int64(1<<33), 1e18, 1e18, 1e-320)
	f.Add(int64(1), int64(1<<61), math.Inf(1), math.NaN(), 800.0)
	f.Add(int64(1), int64(1<<54), 0x1p54, 0x1p54, 0.25)
	f.Add(int64(1<<31), int64(1), 1.0, 9e18, 256.0)
	f.Fuzz(func(t *testing.T, l0, linf int64, l1, l2, mu2 float64) {
		spec, err := Calibrate(Sensitivity{L0: l0, L1: l1, L2: l2, LInf: linf}, mu2)
		if err != nil {
			if privacy.CodeOf(err) != privacy.CodePrivacyParameters || spec != (Spec{}) {
				t.Errorf("%+v, %v", spec, err)
			}
			return
		}
		if !(float64(spec.Cost.Mu2) <= mu2*privacy.Mu2Unit) || spec.Cost.Mu2 < 1 || spec.Cost.Delta != 0 {
			t.Errorf("μ² = %g costs %+v", mu2, spec.Cost)
		}
		if !validScale(spec.scale) || !(spec.Stddev >= 0 && spec.Stddev < 3*maxScale) {
			t.Errorf("scale %g, stddev %g", spec.scale, spec.Stddev)
		}
		if _, err := spec.Noise(privacy.Int128{}); err != nil {
			t.Error(err)
		}
	})
}
