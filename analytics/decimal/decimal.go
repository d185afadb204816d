// Package decimal computes with decimal numbers exactly, from their text to whole steps
// of a resolution. A float64 never stands between a document and a quantum.
package decimal

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// MaxScale is the largest number of decimals of a resolution.
const MaxScale = 18

// pattern is the decimal text of a number, as YAML and JSON write it.
// Digits and exponent are limited, or a short text could stand for a number
// that fills the memory.
var pattern = regexp.MustCompile(`^[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE]([+-]?\d{1,3}))?$`)

// Is reports whether a text is a decimal number.
func Is(s string) bool { return pattern.MatchString(s) }

// Parse reads a decimal number exactly.
func Parse(s string) (*big.Rat, bool) {
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return nil, false
	}
	if exp, err := strconv.Atoi(m[4]); m[4] != "" && (err != nil || exp < -400 || exp > 400) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// Unscaled returns v·10^scale when that is a whole number.
func Unscaled(v *big.Rat, scale int) (*big.Int, bool) {
	scaled := new(big.Rat).Mul(v, new(big.Rat).SetInt(Pow10(scale)))
	return scaled.Num(), scaled.IsInt()
}

// Places returns the least number of decimals that write v exactly, at most
// limit; false when it needs more.
func Places(v *big.Rat, limit int) (int, bool) {
	for scale := range limit + 1 {
		if _, ok := Unscaled(v, scale); ok {
			return scale, true
		}
	}
	return 0, false
}

// Text writes v with at most the given number of decimals, without
// trailing zeros.
func Text(v *big.Rat, scale int) string {
	s := v.FloatString(scale)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Pow10 is ten to the power of n.
func Pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// Floor is ⌊v⌋. Euclidean division rounds down because the denominator of a
// Rat is positive.
func Floor(v *big.Rat) *big.Int { return new(big.Int).Div(v.Num(), v.Denom()) }

// Ceil is ⌈v⌉.
func Ceil(v *big.Rat) *big.Int {
	n := Floor(new(big.Rat).Neg(v))
	return n.Neg(n)
}
