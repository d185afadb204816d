package scalar

import (
	"math"
	"testing"
)

func TestSumsSaturate(t *testing.T) {
	tests := []struct{ got, want int64 }{
		{Add(math.MaxInt64, 1), math.MaxInt64},
		{Add(-math.MaxInt64, -math.MaxInt64), -math.MaxInt64},
		{Add(5, -7), -2},
		{Mul(1<<40, 1<<40), math.MaxInt64},
		{Mul(-1<<40, 1<<40), -math.MaxInt64},
		{Mul(-3, 7), -21},
		{Mul(0, math.MinInt64), 0},
	}
	for i, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("case %d: %d, want %d", i, tt.got, tt.want)
		}
	}
}
