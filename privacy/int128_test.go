package privacy

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func int128(r *rapid.T, label string) Int128 {
	edge := rapid.SampledFrom([]int64{0, -1, 1, math.MaxInt64, math.MinInt64})
	if rapid.Bool().Draw(r, label+" at an edge") {
		return Int128{Hi: edge.Draw(r, label), Lo: uint64(edge.Draw(r, label))}
	}
	return Int128{Hi: rapid.Int64().Draw(r, label), Lo: rapid.Uint64().Draw(r, label)}
}

// wrap reduces a big integer to 128 bits of two's complement.
func wrap(b *big.Int) *big.Int {
	modulus := new(big.Int).Lsh(big.NewInt(1), 128)
	b = new(big.Int).Mod(b, modulus)
	if b.Bit(127) == 1 {
		b.Sub(b, modulus)
	}
	return b
}

// TestInt128AgainstBig compares every operation with math/big.
func TestInt128AgainstBig(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		x, y := int128(r, "x"), int128(r, "y")
		v, limit := rapid.Int64().Draw(r, "v"), rapid.Int64Range(0, math.MaxInt64).Draw(r, "limit")
		if got, want := x.Add(y).Big(), wrap(new(big.Int).Add(x.Big(), y.Big())); got.Cmp(want) != 0 {
			r.Errorf("%v + %v = %v, want %v", x, y, got, want)
		}
		if got, want := x.AddInt64(v).Big(), wrap(new(big.Int).Add(x.Big(), big.NewInt(v))); got.Cmp(want) != 0 {
			r.Errorf("%v + %d = %v, want %v", x, v, got, want)
		}
		if got := Int128From(v).Big(); got.Cmp(big.NewInt(v)) != 0 {
			r.Errorf("Int128From(%d) = %v", v, got)
		}
		want := x.Big()
		if l := big.NewInt(limit); want.CmpAbs(l) > 0 {
			want = l.Mul(l, big.NewInt(int64(want.Sign())))
		}
		if got := x.Clamp(limit); !want.IsInt64() || got != want.Int64() {
			r.Errorf("%v clamped to ±%d = %d, want %v", x, limit, got, want)
		}
		if x.String() != x.Big().String() {
			r.Errorf("prints %q, want %v", x.String(), x.Big())
		}
	})
}

// TestClampIsLipschitz: clamping never widens the distance between neighbours,
// which is why a clamp after the sum raises no sensitivity.
func TestClampIsLipschitz(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		x := int128(r, "x")
		shift := rapid.Int64Range(-1<<40, 1<<40).Draw(r, "shift")
		if wrapped := new(big.Int).Add(x.Big(), big.NewInt(shift)); wrap(wrapped).Cmp(wrapped) != 0 {
			return // the sum of all rows never gets near 2^127
		}
		a, b := x.Clamp(MaxRelease), x.AddInt64(shift).Clamp(MaxRelease)
		if d := b - a; max(d, -d) > max(shift, -shift) {
			r.Errorf("%v and %v more are %d apart once clamped", x, shift, d)
		}
	})
}

// TestMergedSumsDoNotWrap: 2^62 rows of magnitude 2^62, both signs.
func TestMergedSumsDoNotWrap(t *testing.T) {
	total := Int128From(1 << 62)
	for range 62 {
		total = total.Add(total)
	}
	if want := new(big.Int).Lsh(big.NewInt(1), 124); total.Big().Cmp(want) != 0 {
		t.Errorf("sum = %v, want %v", total, want)
	}
	if total.Clamp(MaxRelease) != MaxRelease {
		t.Errorf("clamped to %d", total.Clamp(MaxRelease))
	}
}
