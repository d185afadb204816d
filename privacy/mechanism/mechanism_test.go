package mechanism

import (
	"math"
	"testing"

	"github.com/noised/noised/privacy"
)

// TestNoiseClamps: an exact sum beyond ±2^61 is released as that limit, with
// noise. Without the clamp it would keep its low 64 bits, so that one more unit
// could move a release from one end of the integers to the other.
func TestNoiseClamps(t *testing.T) {
	spec := gaussianSpec(t, 0.01)
	tests := []struct {
		name  string
		exact privacy.Int128
		want  int64
	}{
		{"just beyond", privacy.Int128From(privacy.MaxRelease + 1_000_000), privacy.MaxRelease},
		{"largest int64", privacy.Int128From(math.MaxInt64), privacy.MaxRelease},
		{"one more", privacy.Int128From(math.MaxInt64).AddInt64(1), privacy.MaxRelease},
		{"2^64", privacy.Int128{Hi: 1}, privacy.MaxRelease},
		{"largest", privacy.Int128{Hi: math.MaxInt64, Lo: math.MaxUint64}, privacy.MaxRelease},
		{"smallest int64", privacy.Int128From(math.MinInt64), -privacy.MaxRelease},
		{"smallest", privacy.Int128{Hi: math.MinInt64}, -privacy.MaxRelease},
		{"within", privacy.Int128From(-12345), -12345},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := spec.Noise(tt.exact)
			// The sampler stops below 8.9 standard deviations: no false rejection.
			if err != nil || got < tt.want-100 || got > tt.want+100 {
				t.Errorf("released %d, %v, want about %d", got, err, tt.want)
			}
		})
	}
}

func TestZeroSpecFails(t *testing.T) {
	if v, err := (Spec{}).Noise(privacy.Int128From(42)); err == nil || v != 0 {
		t.Errorf("no noise released %d", v)
	}
}

// TestLibraryErrorsAreInternal: what the library says about its parameters is
// not shown.
func TestLibraryErrorsAreInternal(t *testing.T) {
	_, err := Spec{Kind: Gaussian, scale: 1}.Noise(privacy.Int128{})
	if e := privacy.AsError(err); e == nil || e.Code != privacy.CodeInternal || e.Message != "internal error" {
		t.Errorf("got %v", err)
	}
}

// TestTailDelta: of the order that the cut-off at 8.81σ gives, per coordinate.
func TestTailDelta(t *testing.T) {
	for _, tt := range []struct{ shift, least, most float64 }{
		{0.02, 7e-19, 6e-17}, // the grid dominates
		{1, 2.8e-15, 3e-15},
		{2, 4.7e-12, 5e-12},
	} {
		if got := tailDelta(tt.shift); got < tt.least || got > tt.most {
			t.Errorf("tailDelta(%g) = %g, want %g to %g", tt.shift, got, tt.least, tt.most)
		}
		if got, tail := tailDelta(tt.shift), math.Erfc((8.810931-tt.shift)/math.Sqrt2)/2; got < tail {
			t.Errorf("tailDelta(%g) = %g, below the tail %g alone", tt.shift, got, tail)
		}
	}
}

// TestTieEpsilon enumerates the atoms of coarse Laplace grids: with halves
// rounded away from zero, no shift by s changes a probability by more than
// s/b plus what is charged for halves.
func TestTieEpsilon(t *testing.T) {
	for _, perStep := range []int{2, 4, 32} { // 1/g atoms per integer
		for _, b := range []float64{0.3, 2, 50, 1e4} {
			grid := 1 / float64(perStep)
			cell := map[int]float64{}
			for m := -40 * perStep; m <= 40*perStep; m++ {
				cell[int(math.Round(float64(m)*grid))] += math.Exp(-math.Abs(float64(m)) * grid / b)
			}
			for n := -30; n <= 30; n++ {
				for o := -30; o <= 30; o++ {
					loss := math.Abs(math.Log(cell[n] / cell[o]))
					if allowed := math.Abs(float64(n-o))/b + tieEpsilon(1, grid); loss > allowed+1e-9 {
						t.Fatalf("1/g = %d, b = %g: from %d to %d loses %g, charged %g", perStep, b, n, o, loss, allowed)
					}
				}
			}
		}
	}
}

// TestGridOf: the spacing is a power of two between b/2^40 and b/2^39.
func TestGridOf(t *testing.T) {
	for _, b := range []float64{0.03, 1, 1.5, 1 << 20, 1<<20 + 1, 1 << 38} {
		g := gridOf(b)
		if f, _ := math.Frexp(g); f != 0.5 || g < b/(1<<40) || g >= 2*b/(1<<40) {
			t.Errorf("gridOf(%g) = %g", b, g)
		}
	}
}

func benchmarkNoise(b *testing.B, spec Spec) {
	b.Helper()
	for b.Loop() {
		if _, err := spec.Noise(privacy.Int128From(1000)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGaussian(b *testing.B) { benchmarkNoise(b, gaussianSpec(b, 0.01)) }

func BenchmarkLaplace(b *testing.B) { benchmarkNoise(b, laplaceSpec(b, 0.01)) }

func BenchmarkCalibrate(b *testing.B) {
	for b.Loop() {
		if _, err := Calibrate(counts(14, 12), 0.01); err != nil {
			b.Fatal(err)
		}
	}
}
