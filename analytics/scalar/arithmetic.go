package scalar

import (
	"math"

	"github.com/noised/noised/analytics/plan"
)

// arithmetic is exact on whole numbers, except "/", and in float64 otherwise.
func arithmetic(op string, args []plan.Value) plan.Value {
	if len(args) == 1 { // unary minus or plus
		if op == "-" {
			return arithmetic("-", []plan.Value{plan.IntValue(plan.Of(plan.KindBigint), 0), args[0]})
		}
		return args[0]
	}
	a, b := args[0], args[1]
	if a.Type.IsInteger() && b.Type.IsInteger() && op != "/" {
		return wholeArithmetic(op, a.Int, b.Int)
	}
	return Finite(floatArithmetic(op, a.AsFloat(), b.AsFloat()))
}

func wholeArithmetic(op string, x, y int64) plan.Value {
	bigint := plan.Of(plan.KindBigint)
	switch op {
	case "+":
		return plan.IntValue(bigint, Add(x, y))
	case "-":
		return plan.IntValue(bigint, Add(x, Mul(y, -1)))
	case "*":
		return plan.IntValue(bigint, Mul(x, y))
	}
	switch {
	case y == 0:
		return plan.Null(bigint)
	case y == -1: // the one quotient that can overflow
		return plan.IntValue(bigint, map[string]int64{"//": Mul(x, -1), "%": 0}[op])
	case op == "//":
		return plan.IntValue(bigint, x/y)
	default:
		return plan.IntValue(bigint, x%y)
	}
}

func floatArithmetic(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	case "//":
		return math.Floor(x / y)
	default:
		return math.Mod(x, y)
	}
}

// Finite turns NaN and infinities into NULL.
func Finite(f float64) plan.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return plan.Null(plan.Of(plan.KindDouble))
	}
	return plan.FloatValue(f)
}

func unary(name string, args []plan.Value) (plan.Value, error) {
	v := args[0]
	if v.Type.IsInteger() && (name != "round" || len(args) == 1) {
		if name == "abs" && v.Int < 0 {
			v.Int = Mul(v.Int, -1)
		}
		return v, nil
	}
	x := v.AsFloat()
	switch name {
	case "abs":
		return Finite(math.Abs(x)), nil
	case "floor":
		return Finite(math.Floor(x)), nil
	case "ceil":
		return Finite(math.Ceil(x)), nil
	}
	scale := 1.0
	if len(args) > 1 {
		scale = math.Pow10(int(max(-18, min(18, args[1].Int))))
	}
	return Finite(math.Round(x*scale) / scale), nil
}
