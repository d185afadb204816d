package contract

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// maxScale is the largest number of decimals of a resolution.
const maxScale = 18

// decimalPattern is the decimal text of a number, as YAML and JSON write it.
// Digits and exponent are limited, or a short text could stand for a number
// that fills the memory.
var decimalPattern = regexp.MustCompile(`^[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE]([+-]?\d{1,3}))?$`)

// parseDecimal reads a decimal number exactly.
func parseDecimal(s string) (*big.Rat, bool) {
	m := decimalPattern.FindStringSubmatch(s)
	if m == nil {
		return nil, false
	}
	if exp, err := strconv.Atoi(m[4]); m[4] != "" && (err != nil || exp < -400 || exp > 400) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// unscaled returns v·10^scale when that is a whole number.
func unscaled(v *big.Rat, scale int) (*big.Int, bool) {
	scaled := new(big.Rat).Mul(v, new(big.Rat).SetInt(pow10(scale)))
	return scaled.Num(), scaled.IsInt()
}

// decimals returns the least number of decimals that write v exactly, at most
// limit; false when it needs more.
func decimals(v *big.Rat, limit int) (int, bool) {
	for scale := range limit + 1 {
		if _, ok := unscaled(v, scale); ok {
			return scale, true
		}
	}
	return 0, false
}

// decimalString writes v with at most the given number of decimals, without
// trailing zeros.
func decimalString(v *big.Rat, scale int) string {
	s := v.FloatString(scale)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// floor is ⌊v⌋. Euclidean division rounds down because the denominator of a
// Rat is positive.
func floor(v *big.Rat) *big.Int { return new(big.Int).Div(v.Num(), v.Denom()) }

func ceil(v *big.Rat) *big.Int {
	n := floor(new(big.Rat).Neg(v))
	return n.Neg(n)
}
