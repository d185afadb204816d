package roweval

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/noised/noised/analytics/plan"
)

// Exact converts a literal to a type if the type holds it without loss: numbers
// of equal value, and texts that are written as a value of the type. A decimal
// number may become the nearest double, as SQL's numbers do.
func Exact(v plan.Value, t plan.Type) (plan.Value, bool) {
	switch {
	case v.Type == t:
		return v, true
	case v.Type.Kind == plan.KindVarchar:
		return parse(strings.TrimSpace(v.Str), t)
	case v.Type.IsNumeric() && t.IsNumeric():
		return number(Rational(v), t)
	case v.Type.Kind == plan.KindDate && t.Kind == plan.KindTimestamp:
		return timestamp(time.Unix(v.Int*86400, 0).UTC())
	case v.Type.Kind == plan.KindTimestamp && t.Kind == plan.KindDate && v.Int%86_400_000_000 == 0:
		return plan.IntValue(t, v.Int/86_400_000_000), true
	default:
		return plan.Value{}, false
	}
}

// Rational returns a number exactly; nil for NaN and infinities.
func Rational(v plan.Value) *big.Rat {
	switch v.Type.Kind {
	case plan.KindDouble:
		r, ok := new(big.Rat).SetString(strconv.FormatFloat(v.Float, 'e', -1, 64))
		if !ok {
			return nil
		}
		return r
	case plan.KindDecimal:
		return new(big.Rat).SetFrac(big.NewInt(v.Int), Pow10(int(v.Type.Scale)))
	default:
		return new(big.Rat).SetInt64(v.Int)
	}
}

// Pow10 returns 10^n.
func Pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

var widths = map[plan.Kind]uint{plan.KindTinyint: 7, plan.KindSmallint: 15, plan.KindInteger: 31, plan.KindBigint: 63}

// number writes r as a number of type t.
func number(r *big.Rat, t plan.Type) (plan.Value, bool) {
	switch {
	case r == nil:
		return plan.Value{}, false
	case t.Kind == plan.KindDouble:
		f, _ := r.Float64()
		return plan.FloatValue(f), Finite(f) && (!r.IsInt() || new(big.Rat).SetFloat64(f).Cmp(r) == 0)
	case t.Kind == plan.KindDecimal:
		scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(Pow10(int(t.Scale))))
		if !scaled.IsInt() || new(big.Int).Abs(scaled.Num()).Cmp(Pow10(int(t.Precision))) >= 0 {
			return plan.Value{}, false
		}
		return plan.IntValue(t, scaled.Num().Int64()), true
	case t.IsInteger():
		if !r.IsInt() || !r.Num().IsInt64() {
			return plan.Value{}, false
		}
		i, limit := r.Num().Int64(), int64(math.MaxInt64)>>(63-widths[t.Kind])
		return plan.IntValue(t, i), i <= limit && i >= -limit-1
	default:
		return plan.Value{}, false
	}
}

// parse reads a text as a value of type t.
func parse(s string, t plan.Type) (plan.Value, bool) {
	switch {
	case t.Kind == plan.KindBoolean:
		switch strings.ToLower(s) {
		case "true", "t", "1":
			return plan.BoolValue(true), true
		case "false", "f", "0":
			return plan.BoolValue(false), true
		}
	case t.Kind == plan.KindDate:
		d, err := time.Parse(time.DateOnly, s)
		return plan.IntValue(t, d.Unix()/86400), err == nil && Sane(d)
	case t.Kind == plan.KindTimestamp:
		for _, layout := range []string{"2006-01-02 15:04:05.999999", "2006-01-02T15:04:05.999999", "2006-01-02 15:04", time.DateOnly} {
			if ts, err := time.Parse(layout, s); err == nil {
				return timestamp(ts)
			}
		}
	case t.IsNumeric() && len(s) <= 64:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !Finite(f) || strings.ContainsAny(s, "xX_pP") {
			return plan.Value{}, false
		}
		if r, ok := new(big.Rat).SetString(s); ok {
			return number(r, t)
		}
	}
	return plan.Value{}, false
}

func timestamp(ts time.Time) (plan.Value, bool) {
	return plan.IntValue(plan.Of(plan.KindTimestamp), ts.UnixMicro()), Sane(ts)
}
