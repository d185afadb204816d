package mechanism

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

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
			// σ is 10: ten of it are exceeded with probability 2e-23.
			if err != nil || got < tt.want-100 || got > tt.want+100 {
				t.Errorf("released %d, %v, want about %d", got, err, tt.want)
			}
		})
	}
}

// TestUncalibratedSpecsFail: without a scale nothing is released.
func TestUncalibratedSpecsFail(t *testing.T) {
	for _, spec := range []Spec{{}, {Kind: Gaussian}, {Kind: Laplace}, {scale: 1}, {Kind: "none", scale: 1},
		{Kind: Gaussian, scale: math.NaN()}, {Kind: Gaussian, scale: math.Inf(1)}, {Kind: Laplace, scale: 1e-300}} {
		v, err := spec.Noise(privacy.Int128From(42))
		if privacy.CodeOf(err) != privacy.CodeInternal || v != 0 {
			t.Errorf("%+v released %d, %v", spec, v, err)
		}
		dst := []int64{0}
		if err := spec.NoiseAll(dst, []privacy.Int128{privacy.Int128From(42)}); privacy.CodeOf(err) != privacy.CodeInternal || dst[0] != 0 {
			t.Errorf("%+v released %d, %v", spec, dst[0], err)
		}
	}
}

func TestNoiseAllWantsOneLength(t *testing.T) {
	dst := []int64{0, 0}
	if err := gaussianSpec(t, 1).NoiseAll(dst, make([]privacy.Int128, 1)); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("got %v", err)
	}
}

// TestNoiseAllNoisesEach: each value gets noise of its own. With σ = 2^50 two of
// 1000 draws coincide with probability 2e-10.
func TestNoiseAllNoisesEach(t *testing.T) {
	dst := make([]int64, 1000)
	if err := (Spec{Kind: Gaussian, scale: 1 << 50}).NoiseAll(dst, make([]privacy.Int128, len(dst))); err != nil {
		t.Fatal(err)
	}
	seen := map[int64]bool{}
	for _, v := range dst {
		seen[v] = true
	}
	if len(seen) != len(dst) {
		t.Errorf("%d different values of %d", len(seen), len(dst))
	}
	for i := range dst {
		dst[i] = 0
	}
	exact := []privacy.Int128{privacy.Int128From(1000), privacy.Int128From(-1000), {Hi: 5}}
	if err := (Spec{Kind: Laplace, scale: 1}).NoiseAll(dst[:3], exact); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{1000, -1000, privacy.MaxRelease} {
		if d := dst[i] - want; d < -60 || d > 60 { // probability e^−60
			t.Errorf("%v became %d", exact[i], dst[i])
		}
	}
}

// TestNoisedSaturates: beyond ±2^62 a sum is ±2^62, whatever the value is, so
// that saturation is post-processing.
func TestNoisedSaturates(t *testing.T) {
	for _, tt := range []struct{ exact, noise, want int64 }{
		{privacy.MaxRelease, math.MaxInt64, MaxNoised},
		{-privacy.MaxRelease, math.MaxInt64, MaxNoised},
		{privacy.MaxRelease, -math.MaxInt64, -MaxNoised},
		{-privacy.MaxRelease, -math.MaxInt64, -MaxNoised},
		{privacy.MaxRelease, privacy.MaxRelease, MaxNoised},
		{privacy.MaxRelease, privacy.MaxRelease - 1, MaxNoised - 1},
		{5, -7, -2},
	} {
		if got := noised(privacy.Int128From(tt.exact), tt.noise); got != tt.want {
			t.Errorf("%d with noise %d is %d, want %d", tt.exact, tt.noise, got, tt.want)
		}
	}
}

// TestConcurrentDraws: goroutines that draw at the same time share no
// randomness. Of 16,000 draws at σ = 2^55 two coincide with probability 1e-9.
func TestConcurrentDraws(t *testing.T) {
	const goroutines, each = 16, 1000
	spec := Spec{Kind: Gaussian, scale: maxScale}
	drawn := make([][]int64, goroutines)
	var wg sync.WaitGroup
	for g := range drawn {
		wg.Go(func() {
			values := make([]int64, each)
			if err := spec.NoiseAll(values[:each/2], make([]privacy.Int128, each/2)); err != nil {
				t.Error(err)
			}
			for i := each / 2; i < each; i++ {
				v, err := spec.Noise(privacy.Int128{})
				if err != nil {
					t.Error(err)
				}
				values[i] = v
			}
			drawn[g] = values
		})
	}
	wg.Wait()
	seen := map[int64]bool{}
	for _, values := range drawn {
		for _, v := range values {
			if seen[v] {
				t.Errorf("%d was drawn twice", v)
			}
			seen[v] = true
		}
	}
}

// TestShardsShareNoDraws: of 10^6 draws that eight goroutines make at σ = 2^55 no
// two are the same: two that were made of the same bits would be. Two others
// coincide with probability below 5e-6.
func TestShardsShareNoDraws(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	drawn := make([]int64, 1_000_000)
	if err := (Spec{Kind: Gaussian, scale: maxScale}).NoiseAll(drawn, make([]privacy.Int128, len(drawn))); err != nil {
		t.Fatal(err)
	}
	slices.Sort(drawn)
	if n := len(slices.Compact(drawn)); n != 1_000_000 {
		t.Errorf("10^6 draws have %d values", n)
	}
}

// TestShardsNoiseEveryValue: whatever the number of values and processors, each
// value gets its own noise at its own place. At σ = 10 a draw is further off
// than 150 with probability below 1e-50.
func TestShardsNoiseEveryValue(t *testing.T) {
	spec := gaussianSpec(t, 0.01)
	rapid.Check(t, func(t *rapid.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(rapid.IntRange(1, 9).Draw(t, "processors")))
		n := rapid.IntRange(0, 10*leastShard).Draw(t, "values")
		dst, exact := make([]int64, n), make([]privacy.Int128, n)
		for i := range exact {
			exact[i] = privacy.Int128From(1000 * int64(i+1))
		}
		if err := spec.NoiseAll(dst, exact); err != nil {
			t.Fatal(err)
		}
		for i, v := range dst {
			if off := v - 1000*int64(i+1); off < -150 || off > 150 {
				t.Fatalf("value %d of %d is off by %d", i, n, off)
			}
		}
	})
}
