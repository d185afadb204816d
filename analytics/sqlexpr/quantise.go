package sqlexpr

import (
	"fmt"
	"math/big"

	"github.com/noised/noised/analytics/plan"
)

// Quantise renders a value in steps of a quantum: an integer column (or a
// decimal one, whose unscaled integer counts) that is NULL exactly where the
// value is. The second result says whether it is within [Lo, Hi]: elsewhere
// whoever sums it clamps it. inside promises that it is, unclamped.
func (b *Builder) Quantise(v Term, q plan.Quantum, inside bool) (Term, bool, error) {
	if q.Mantissa < 1 || q.Scale < 0 || q.Scale > 18 || q.Lo > q.Hi || q.Lo < -plan.MaxStep || q.Hi > plan.MaxStep {
		return Term{}, false, fmt.Errorf("a quantum is out of range")
	}
	switch {
	case v.Type.Kind == plan.KindDouble:
		return b.quantiseDouble(v, q, inside), true, nil
	case !v.Type.IsNumeric():
		return Term{}, false, fmt.Errorf("a %s cannot be summed", v.Type)
	case q.Mantissa == 1 && q.Scale == scaleOf(v.Type):
		return v, inside, nil
	case q.Mantissa == 1 && q.Scale < scaleOf(v.Type):
		// Fewer decimals, rounded half away from zero, fit as many digits.
		coarse := plan.Type{Kind: plan.KindDecimal, Precision: v.Type.Precision, Scale: uint8(q.Scale)}
		return Combine(coarse, fmt.Sprintf("CAST(%%s AS DECIMAL(%d,%d))", coarse.Precision, coarse.Scale), v), inside, nil
	}
	return b.quantiseExact(v, q), true, nil
}

// scaleOf returns how many decimals the values of an exact type have.
func scaleOf(t plan.Type) int {
	if t.Kind == plan.KindDecimal {
		return int(t.Scale)
	}
	return 0
}

// quantiseDouble clamps before it casts. The scaled value is NaN only where the
// value is, and may be infinite. The cast rounds to the nearest step, and from
// halfway to the even one: rounding before would cost as much as the cast.
func (b *Builder) quantiseDouble(v Term, q plan.Quantum, inside bool) Term {
	y := v
	if q.Scale > 0 {
		y = Combine(double, fmt.Sprintf("(%%s * CAST('1e%d' AS DOUBLE))", q.Scale), y)
	}
	if q.Mantissa > 1 {
		y = Combine(double, fmt.Sprintf("(%%s / CAST(%d AS DOUBLE))", q.Mantissa), y)
	}
	if inside {
		return Combine(bigint, "TRY_CAST(%s AS BIGINT)", y)
	}
	y = b.Share(y)
	format := fmt.Sprintf("(CASE WHEN isnan(%%s) THEN %d::BIGINT WHEN %%s <= %d THEN %d::BIGINT "+
		"WHEN %%s >= %d THEN %d::BIGINT ELSE TRY_CAST(%%s AS BIGINT) END)", q.Lo, q.Lo, q.Lo, q.Hi, q.Hi)
	return Combine(bigint, format, y, y, y, y)
}

// quantiseExact rounds half away from zero, in integers that hold every
// intermediate value. With u the unscaled value and s its scale, a step is
// num/den of u, where num = 10^(Scale−s) and den = Mantissa, or num = 1 and
// den = Mantissa·10^(s−Scale). Since |u| ≤ 2^63, num ≤ 10^18 < 2^60 and
// den < 2^63·10^18 < 2^123, the largest value 2·num·|u| + den is below 2^125
// and fits a HUGEINT; a BIGINT is used where the column's type is narrow
// enough for that.
func (b *Builder) quantiseExact(v Term, q plan.Quantum) Term {
	scale := scaleOf(v.Type)
	num, den := pow10(q.Scale-scale), new(big.Int).Mul(big.NewInt(q.Mantissa), pow10(scale-q.Scale))
	largest := new(big.Int).Mul(largestUnscaled(v.Type), num)
	largest.Lsh(largest, 1).Add(largest, den)
	name := "HUGEINT"
	if largest.BitLen() <= 62 && den.BitLen() <= 61 {
		name = "BIGINT"
	}
	u := b.Share(Combine(bigint, "CAST(%s AS "+name+")", shifted(v)))
	y := Combine(bigint, fmt.Sprintf("(%%s * %s::%s)", num, name), u)
	if den.Cmp(big.NewInt(1)) > 0 {
		twoNum, twoDen := new(big.Int).Lsh(num, 1), new(big.Int).Lsh(den, 1)
		y = Combine(bigint, fmt.Sprintf("((%%s * %s::%s + (CASE WHEN %%s < 0 THEN -%s::%s ELSE %s::%s END)) // %s::%s)",
			twoNum, name, den, name, den, name, twoDen, name), u, u)
	}
	y = b.Share(y)
	format := fmt.Sprintf("CAST((CASE WHEN %%s < %d THEN %d WHEN %%s > %d THEN %d ELSE %%s END) AS BIGINT)", q.Lo, q.Lo, q.Hi, q.Hi)
	return Combine(bigint, format, y, y, y)
}

// shifted renders a decimal times 10^s for its scale s, which is a whole number.
// DuckDB gives a product as many digits as both factors have together, but does
// not leave 18 of them for more by itself, and fails instead where a value needs
// them: so there it is told to. 18 + 19 digits are fewer than 38.
func shifted(v Term) Term {
	scale := scaleOf(v.Type)
	if scale == 0 {
		return v
	}
	if digits := int(v.Type.Precision) + scale + 1; digits > 18 {
		v = Combine(v.Type, fmt.Sprintf("CAST(%%s AS DECIMAL(38,%d))", scale), v)
	}
	return Combine(v.Type, fmt.Sprintf("(%%s * CAST(%s AS DECIMAL(%d,0)))", pow10(scale), scale+1), v)
}

// largestUnscaled returns a bound on the unscaled magnitude of a type.
func largestUnscaled(t plan.Type) *big.Int {
	switch t.Kind {
	case plan.KindDecimal:
		return pow10(int(t.Precision))
	case plan.KindTinyint:
		return big.NewInt(1 << 7)
	case plan.KindSmallint:
		return big.NewInt(1 << 15)
	case plan.KindInteger:
		return big.NewInt(1 << 31)
	default:
		return new(big.Int).Lsh(big.NewInt(1), 63)
	}
}

// pow10 returns 10^n, 1 for negative n.
func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, 0))), nil)
}

// Ends returns the least and the largest integer that values of an exact type
// are stored as.
func Ends(t plan.Type) (int64, int64) {
	if t.Kind == plan.KindDecimal {
		most := pow10(int(t.Precision)).Int64() - 1 // of at most 18 digits
		return -most, most
	}
	return t.IntegerRange()
}

// Unscaled renders the integer that an exact value of at most 18 digits is
// stored as.
func Unscaled(v Term) Term {
	if v.Type == bigint {
		return v
	}
	return Combine(bigint, "CAST(%s AS BIGINT)", shifted(v))
}
