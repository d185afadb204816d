package plan

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestWidthBucket(t *testing.T) {
	for _, tt := range []struct {
		x, lo, hi float64
		n, want   int64
		ok        bool
	}{
		{0, 0, 10, 5, 1, true}, {1.99, 0, 10, 5, 1, true}, {2, 0, 10, 5, 2, true}, {9.99, 0, 10, 5, 5, true},
		{-0.01, 0, 10, 5, 0, true}, {10, 0, 10, 5, 6, true}, {math.Inf(-1), 0, 10, 5, 0, true}, {math.Inf(1), 0, 10, 5, 6, true},
		{math.NaN(), 0, 10, 5, 6, true}, {math.Nextafter(1, 0), 0, 1, 3, 3, true}, {5, 5, 5, 5, 0, false}, {5, 6, 5, 5, 0, false},
		{5, -math.MaxFloat64, math.MaxFloat64, 5, 0, false}, {5, math.NaN(), 1, 5, 0, false}, {0, -1, 1, MaxIndex, MaxIndex/2 + 1, true}, {0, 0, 1, 0, 0, false},
	} {
		if got, ok := WidthBucket(tt.x, tt.lo, tt.hi, tt.n); got != tt.want || ok != tt.ok {
			t.Errorf("WidthBucket(%g, %g, %g, %d) = %d, %t; want %d, %t", tt.x, tt.lo, tt.hi, tt.n, got, ok, tt.want, tt.ok)
		}
	}
}

// Buckets never go back as x grows, and a value within the bounds lies in one of
// the n buckets: a domain made of the buckets of two bounds holds every bucket
// of what lies between them.
func TestWidthBucketsKeepOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo, hi := rapid.Float64Range(-1e12, 1e12).Draw(t, "lo"), rapid.Float64Range(-1e12, 1e12).Draw(t, "hi")
		n := rapid.Int64Range(1, MaxIndex).Draw(t, "n")
		x, y := rapid.Float64Range(lo-1, max(lo, hi)+1).Draw(t, "x"), rapid.Float64Range(lo-1, max(lo, hi)+1).Draw(t, "y")
		a, ok := WidthBucket(min(x, y), lo, hi, n)
		b, _ := WidthBucket(max(x, y), lo, hi, n)
		if ok != (lo < hi) || a > b || a < 0 || b > n+1 || (ok && min(x, y) >= lo && max(x, y) < hi && (a < 1 || b > n)) {
			t.Fatalf("buckets %d and %d of %d, %t", a, b, n, ok)
		}
	})
}
