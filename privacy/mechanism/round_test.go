package mechanism

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// prepared returns a source whose next words are known. After them it goes on
// with the operating system's.
func prepared(words ...uint64) *source {
	s := new(source)
	for i := len(words) - 1; i >= 0; i-- {
		for b := range 8 {
			s.buffer[s.left+b] = byte(words[i] >> (8 * b))
		}
		s.left += 8
	}
	return s
}

// floorOf returns ⌊scale·(whole + 0.first,more…) + ½⌋ in rational arithmetic.
func floorOf(scale float64, whole uint64, digits ...uint64) *big.Int {
	x := new(big.Rat).SetInt(new(big.Int).SetUint64(whole))
	weight := big.NewRat(1, 1)
	base := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 64))
	for _, d := range digits {
		weight.Quo(weight, base)
		x.Add(x, new(big.Rat).Mul(weight, new(big.Rat).SetInt(new(big.Int).SetUint64(d))))
	}
	x.Mul(x, new(big.Rat).SetFloat64(scale))
	x.Add(x, big.NewRat(1, 2))
	return new(big.Int).Div(x.Num(), x.Denom())
}

func drawScale(r *rapid.T) float64 {
	return math.Exp2(rapid.Float64Range(-7, 55).Draw(r, "log₂ scale"))
}

// TestRoundIsExact: whatever digits follow, the result is that of rational
// arithmetic on all of them, where the first digit settles it and where not.
func TestRoundIsExact(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		scale := drawScale(r)
		whole := rapid.Uint64Range(0, 200).Draw(r, "whole")
		first := rapid.Uint64().Draw(r, "first")
		next := rapid.Uint64().Draw(r, "next")
		negative := rapid.Bool().Draw(r, "negative")
		d := deviate{negative: negative, whole: whole, fraction: uniform{first: first}}
		// More digits than two are needed with probability 2^−73, and then differ.
		want := floorOf(scale, whole, first, next, 1<<63)
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if negative {
			want.Neg(want)
		}
		if got := newScaling(scale).round(prepared(next, 1<<63), &d); got != want.Int64() {
			r.Errorf("%g times %d + %#x.%#x became %d, want %d", scale, whole, first, next, got, want)
		}
	})
}

// TestRoundDrawsAnotherDigit: where a boundary of rounding lies within the known
// digits, the next one decides to which side the result falls. Without it the
// law would be that of a grid.
func TestRoundDrawsAnotherDigit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		scale := drawScale(r)
		// The digits of the boundary m + ½, for an m that a deviate below 128 reaches.
		m := rapid.Int64Range(0, int64(scale*100)).Draw(r, "m")
		x := new(big.Rat).SetFrac(big.NewInt(2*m+1), big.NewInt(2))
		x.Quo(x, new(big.Rat).SetFloat64(scale))
		x.Mul(x, new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 128)))
		at := new(big.Int).Div(x.Num(), x.Denom())
		digits := make([]uint64, 2)
		for i := range digits {
			digits[1-i] = new(big.Int).And(at, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
			at.Rsh(at, 64)
		}
		if digits[1] < 2 || digits[1] > math.MaxUint64-2 {
			return
		}
		for _, tt := range []struct {
			next uint64
			want int64
		}{{digits[1] - 1, m}, {digits[1] + 1, m + 1}} {
			d := deviate{whole: at.Uint64(), fraction: uniform{first: digits[0]}}
			c := newScaling(scale)
			if n, settled := c.floor(&d); settled {
				r.Errorf("%g: settled on %d between %d and %d", scale, n, m, m+1)
			}
			if got := c.round(prepared(tt.next), &d); got != tt.want {
				r.Errorf("%g: next digit %#x gives %d, want %d", scale, tt.next, got, tt.want)
			}
		}
	})
}

// TestRoundUsesDigitsThatAreKnown: digits that a comparison has drawn are part of
// the number, and are not drawn again.
func TestRoundUsesDigitsThatAreKnown(t *testing.T) {
	d := deviate{whole: 1, fraction: uniform{first: 1 << 63, more: []uint64{0, 7}}}
	s := prepared(3)
	if got := newScaling(3).round(s, &d); got != 5 { // 3·(1.5 + a little) = 4.5 + a little
		t.Errorf("got %d, want 5", got)
	}
	if s.left != 8 {
		t.Error("a digit was drawn that was not needed")
	}
}

// TestRoundSaturates: deviates that no machine lives to see stay in an int64.
func TestRoundSaturates(t *testing.T) {
	for _, whole := range []uint64{1 << 20, 1 << 40, math.MaxUint64} {
		for _, negative := range []bool{false, true} {
			d := deviate{negative: negative, whole: whole}
			want := int64(math.MaxInt64)
			if negative {
				want = -want
			}
			if got := newScaling(maxScale).round(new(source), &d); got != want {
				t.Errorf("%d: %d", whole, got)
			}
		}
	}
}

func TestScalingOfTheExtremes(t *testing.T) {
	for scale, want := range map[float64]uint{minScale: 123, maxScale: 61, math.Nextafter(maxScale, 0): 62} {
		if got := newScaling(scale); got.shift != want {
			t.Errorf("%g: shift %d, want %d", scale, got.shift, want)
		}
	}
	for _, scale := range []float64{0, -1, minScale / 2, math.Nextafter(maxScale, math.Inf(1)), math.Inf(1), math.NaN(), 1e-320} {
		if validScale(scale) {
			t.Errorf("%g is a scale", scale)
		}
	}
}
