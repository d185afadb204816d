package roweval

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"time"

	"github.com/noised/noised/analytics/plan"
)

// convert casts a value as TRY_CAST does; false when that is not certain.
func convert(v plan.Value, to plan.Type) (plan.Value, bool) {
	from := v.Type.Kind
	switch {
	case v.Null:
		return plan.Null(to), true
	case v.Type == to:
		return v, true
	case to.Kind == plan.KindVarchar:
		return asText(v)
	case from == plan.KindVarchar:
		return fromText(v.Str, to)
	case from == plan.KindBoolean:
		return plan.IntValue(to, v.Int), to.IsInteger()
	case from == plan.KindDate || from == plan.KindTimestamp:
		t, ok := timeOf(v)
		if !ok {
			return plan.Null(to), false
		}
		return inTime(to, t)
	case to.Kind == plan.KindDouble:
		return plan.FloatValue(v.AsFloat()), from != plan.KindDecimal || math.Abs(float64(v.Int)) < 1<<53
	case to.IsInteger():
		return ToInteger(v, to)
	case v.Type.IsInteger() && to.Kind == plan.KindDecimal:
		if x, ok := number(Rational(v), to); ok {
			return x, true
		}
		return plan.Null(to), true // too many digits
	default:
		return plan.Value{}, false
	}
}

// ToInteger casts a number to a whole type: it rounds a double to even and a
// decimal away from zero; what does not fit is NULL.
func ToInteger(v plan.Value, to plan.Type) (plan.Value, bool) {
	var whole *big.Int
	switch {
	case v.Type.IsInteger():
		whole = big.NewInt(v.Int)
	case v.Type.Kind == plan.KindDouble:
		f := math.RoundToEven(v.Float)
		if math.Abs(f) >= 1<<62 {
			return plan.Value{}, false
		}
		whole = big.NewInt(int64(f))
	default: // half away from zero, in units of 10^−scale
		unit := Pow10(int(v.Type.Scale))
		half := new(big.Int).Rsh(unit, 1)
		whole = new(big.Int).Add(new(big.Int).Abs(big.NewInt(v.Int)), half)
		whole.Quo(whole, unit)
		if v.Int < 0 {
			whole.Neg(whole)
		}
	}
	if x, ok := number(new(big.Rat).SetInt(whole), to); ok {
		return x, true
	}
	return plan.Null(to), true
}

func asText(v plan.Value) (plan.Value, bool) {
	switch v.Type.Kind {
	case plan.KindDate, plan.KindTimestamp:
		t, ok := timeOf(v)
		if !ok || t.Year() < 1000 {
			return plan.Value{}, false
		}
	case plan.KindDouble, plan.KindDecimal:
		return plan.Value{}, false
	default:
	}
	return plan.StringValue(v.Text()), true
}

// Texts whose value is certain. Engines read others too, such as ' 1e3', and
// differ in them.
var (
	wholeText  = regexp.MustCompile(`^-?[0-9]{1,18}$`)
	simpleText = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,15})?$`)
	dayText    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

func fromText(s string, to plan.Type) (plan.Value, bool) {
	switch {
	case to.IsInteger() && wholeText.MatchString(s):
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return plan.Value{}, false
		}
		return ToInteger(plan.IntValue(plan.Of(plan.KindBigint), n), to)
	case to.Kind == plan.KindDouble && simpleText.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		return plan.FloatValue(f), err == nil
	case to.Kind == plan.KindBoolean:
		return plan.BoolValue(s == "true"), s == "true" || s == "false"
	case (to.Kind == plan.KindDate || to.Kind == plan.KindTimestamp) && dayText.MatchString(s):
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return plan.Value{}, false
		}
		return inTime(to, t)
	default:
		return plan.Value{}, false
	}
}
