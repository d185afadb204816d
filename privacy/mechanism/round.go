package mechanism

import (
	"math"
	"math/big"
	"math/bits"
)

// Scales that noise may have. Beyond the largest it would not fit an int64; the
// smallest adds anything but 0 once in 10^27 times.
const (
	minScale = 1.0 / (1 << 7)
	maxScale = 1 << 55
)

// validScale reports whether noise may have this scale; NaN may not.
func validScale(scale float64) bool { return scale >= minScale && scale <= maxScale }

// scaling multiplies deviates by a scale, minScale ≤ scale ≤ maxScale, and rounds
// to the nearest integer, exactly. As a float64, the scale is
// mantissa·2^(64−shift), with mantissa < 2^53 and 61 ≤ shift ≤ 123.
type scaling struct {
	mantissa uint64
	shift    uint
}

func newScaling(scale float64) scaling {
	fraction, exponent := math.Frexp(scale)
	return scaling{mantissa: uint64(math.Ldexp(fraction, 53)), shift: uint(53 - exponent + 64)}
}

// round returns scale·d to the nearest integer, saturated at ±MaxInt64.
//
// With the digits of the fraction that are known, |d| lies in an interval with
// dyadic ends, hence scale·|d| + ½ in another. Where both its ends have the same
// floor, that is the result. Where a boundary lies between them, another digit is
// drawn; with probability 1 that ends.
func (c scaling) round(s *source, d *deviate) int64 {
	n, settled := c.floor(d)
	if !settled {
		n = c.floorByDigits(s, d)
	}
	if d.negative {
		return -n
	}
	return n
}

// floor returns ⌊scale·|d| + ½⌋ if the first digit of the fraction settles it,
// and false if not.
//
// In units of 2^−shift, |d| ∈ [a, a+1)·2^−64 with a = whole·2^64 + first becomes
// [v, v + mantissa) with v = mantissa·a + 2^(shift−1). Nothing overflows: with
// whole < 2^7, v + mantissa is below 2^124 + 2^122 + 2^53, and the result is at
// most 2^55·2^7.
func (c scaling) floor(d *deviate) (n int64, settled bool) {
	if d.whole >= 1<<7 || len(d.fraction.more) > 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(c.mantissa, d.fraction.first)
	hi += c.mantissa * d.whole
	// A shift by 64 or more, or by what wraps below 0, leaves 0.
	lo, carry := bits.Add64(lo, 1<<(c.shift-1), 0)
	hi, _ = bits.Add64(hi, 1<<(c.shift-1-64), carry)
	low := shiftedRight(hi, lo, c.shift)
	lo, carry = bits.Add64(lo, c.mantissa-1, 0)
	return low, low == shiftedRight(hi+carry, lo, c.shift)
}

// shiftedRight returns (hi·2^64 + lo) / 2^n, which must be below 2^63.
func shiftedRight(hi, lo uint64, n uint) int64 {
	return int64(hi<<(64-n) | lo>>n | hi>>(n-64)) // of which each is 0 where it does not belong
}

// floorByDigits is floor with as many digits as it takes, of any deviate.
func (c scaling) floorByDigits(s *source, d *deviate) int64 {
	known := new(big.Int).SetUint64(d.whole)
	append64 := func(digit uint64) {
		known.Lsh(known, 64).Or(known, new(big.Int).SetUint64(digit))
	}
	append64(d.fraction.first)
	shift := c.shift
	for i := 0; ; i++ {
		append64(d.fraction.digit(s, i))
		shift += 64
		v := new(big.Int).SetUint64(c.mantissa)
		v.Mul(v, known)
		v.Add(v, new(big.Int).Lsh(big.NewInt(1), shift-1))
		last := new(big.Int).SetUint64(c.mantissa - 1)
		last.Add(last, v)
		if v.Rsh(v, shift).Cmp(last.Rsh(last, shift)) == 0 {
			if !v.IsInt64() {
				return math.MaxInt64
			}
			return v.Int64()
		}
	}
}
