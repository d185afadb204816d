package plan

import "math"

// WidthBucket returns which of n buckets of equal width between lo and hi holds
// x: 0 below lo, 1 to n within, n + 1 from hi on and for NaN. It is false,
// which stands for NULL, unless lo < hi and hi − lo is finite. It never
// decreases as x grows.
//
// Every engine computes exactly this, in doubles and in this order. Below hi
// the quotient is at most 1, since rounding keeps order, so only the last step
// can reach n, and is limited to it.
func WidthBucket(x, lo, hi float64, n int64) (int64, bool) {
	width := hi - lo
	switch {
	case !(width > 0) || math.IsInf(width, 0) || n < 1 || n > MaxIndex:
		return 0, false
	case x < lo:
		return 0, true
	case x < hi:
		return min(int64(float64((x-lo)/width)*float64(n)), n-1) + 1, true
	default:
		return n + 1, true
	}
}
