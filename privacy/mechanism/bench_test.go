package mechanism

import (
	"fmt"
	"testing"

	"github.com/noised/noised/privacy"
)

func benchmarkScales(b *testing.B, kind Kind) {
	for _, scale := range []float64{1, 50, 1e6, maxScale} {
		spec := Spec{Kind: kind, scale: scale}
		b.Run(fmt.Sprintf("scale=%g", scale), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := spec.Noise(privacy.Int128From(1000)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGaussian(b *testing.B) { benchmarkScales(b, Gaussian) }

func BenchmarkLaplace(b *testing.B) { benchmarkScales(b, Laplace) }

// BenchmarkGaussianAll noises few values at once, and as many as a result can have.
func BenchmarkGaussianAll(b *testing.B) {
	spec := Spec{Kind: Gaussian, scale: 50}
	for _, values := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(values), func(b *testing.B) {
			dst, exact := make([]int64, values), make([]privacy.Int128, values)
			for b.Loop() {
				if err := spec.NoiseAll(dst, exact); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*values), "ns/draw")
		})
	}
}

// BenchmarkGaussianParallel is per draw, of all processors together.
func BenchmarkGaussianParallel(b *testing.B) {
	spec := Spec{Kind: Gaussian, scale: 50}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := spec.Noise(privacy.Int128From(1000)); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkCalibrate(b *testing.B) {
	for b.Loop() {
		if _, err := Calibrate(counts(14, 12), 0.01); err != nil {
			b.Fatal(err)
		}
	}
}
