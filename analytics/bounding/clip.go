package bounding

import (
	"math"
	"math/bits"
)

// scaling shrinks a unit's contributions to num/den of what they are, truncated
// towards zero; the zero value leaves them alone.
type scaling struct{ num, den int64 }

func (s scaling) of(contribution int64) int64 { return share(contribution, s.den, s.num) }

// clip returns the scaling that brings a vector of the given squared length to
// the length limit, if it is longer: C·2^k/⌈2^k·‖N‖⌉ for limit C and the largest
// k with 4^k·‖N‖² < 2^62. It never exceeds C/‖N‖ and falls short of it by at most
// one part in 2^30.
//
// squares is at most 2^48, for the lengths add up to at most plan.MaxUnitRows =
// 2^24. Since C < ‖N‖, C·2^k is below the denominator, as share requires.
func clip(limit int64, squares uint64) scaling {
	if limit <= 0 || squares <= uint64(limit)*uint64(limit) {
		return scaling{}
	}
	k := (62 - bits.Len64(squares)) / 2
	return scaling{num: limit << k, den: int64(ceilRoot(squares << (2 * k)))}
}

// ceilRoot returns the root of x ≤ 2^62, rounded up.
func ceilRoot(x uint64) uint64 {
	r := uint64(math.Sqrt(float64(x))) // off by one at most
	for r*r < x {
		r++
	}
	for r > 0 && (r-1)*(r-1) >= x {
		r--
	}
	return r
}
