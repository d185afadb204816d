package privacy

import (
	"fmt"
	"math/big"
	"math/bits"
)

// MaxRelease is the magnitude at which an exact sum is clamped, once, before
// noise is added: ±2^61. Clamping is 1-Lipschitz, so it raises no sensitivity,
// and it leaves room for noise in an int64.
const MaxRelease = int64(1) << 61

// Int128 is a signed 128-bit integer in two's complement. The zero value is 0.
// Exact sums over all tenants are held in it, so that they never wrap: 2^62
// rows of magnitude 2^62 fit.
type Int128 struct {
	Hi int64
	Lo uint64
}

// Int128From widens an int64.
func Int128From(v int64) Int128 { return Int128{Hi: v >> 63, Lo: uint64(v)} }

// Add returns x + y.
func (x Int128) Add(y Int128) Int128 {
	lo, carry := bits.Add64(x.Lo, y.Lo, 0)
	hi, _ := bits.Add64(uint64(x.Hi), uint64(y.Hi), carry)
	return Int128{Hi: int64(hi), Lo: lo}
}

// AddInt64 returns x + v.
func (x Int128) AddInt64(v int64) Int128 { return x.Add(Int128From(v)) }

// Clamp returns x limited to ±limit, which must not be negative.
func (x Int128) Clamp(limit int64) int64 {
	fits := (x.Hi == 0 && x.Lo <= 1<<63-1) || (x.Hi == -1 && x.Lo >= 1<<63)
	switch {
	case fits:
		return max(-limit, min(limit, int64(x.Lo)))
	case x.Hi < 0:
		return -limit
	default:
		return limit
	}
}

// Big returns x as a big integer.
func (x Int128) Big() *big.Int {
	b := new(big.Int).Lsh(big.NewInt(x.Hi), 64)
	return b.Add(b, new(big.Int).SetUint64(x.Lo))
}

// String returns x in decimal.
func (x Int128) String() string { return fmt.Sprint(x.Big()) }
