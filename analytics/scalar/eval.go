package scalar

import (
	"fmt"
	"math"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// Scope gives a view expression the values of one group.
type Scope struct {
	Keys []plan.Value
	Aggs []plan.Value
	Outs []plan.Value // for ORDER BY only
}

// Eval computes a view expression for one group, with SQL's three-valued logic.
// It is total: division by zero and overflow are NULL.
func Eval(e plan.Expr, s Scope) (plan.Value, error) {
	switch e := e.(type) {
	case *plan.Literal:
		return e.Value, nil
	case *plan.AggRef:
		return s.Aggs[e.Index], nil
	case *plan.KeyRef:
		return s.Keys[e.Index], nil
	case *plan.OutputRef:
		return s.Outs[e.Index], nil
	case *plan.Cast:
		v, err := Eval(e.Arg, s)
		return convert(v, e.To), err
	case *plan.Case:
		return evalCase(e, s)
	case *plan.In:
		return evalIn(e, s)
	case *plan.Call:
		var room [3]plan.Value // most calls need no more, and a view makes many
		args := room[:0]
		for _, a := range e.Args {
			v, err := Eval(a, s)
			if err != nil {
				return v, err
			}
			args = append(args, v)
		}
		return Call(e.Func, args)
	case *plan.Column, *plan.Aggregate:
	}
	return plan.Value{}, fmt.Errorf("scalar: %T cannot stand in a view", e)
}

func evalCase(e *plan.Case, s Scope) (plan.Value, error) {
	for _, w := range e.Whens {
		c, err := Eval(w.If, s)
		if err != nil {
			return c, err
		}
		if IsTrue(c) {
			return Eval(w.Then, s)
		}
	}
	if e.Else == nil {
		return plan.Null(plan.Type{}), nil
	}
	return Eval(e.Else, s)
}

func evalIn(e *plan.In, s Scope) (plan.Value, error) {
	arg, err := Eval(e.Arg, s)
	if err != nil {
		return arg, err
	}
	found, unknown := false, arg.Null
	for _, item := range e.List {
		v, err := Eval(item, s)
		if err != nil {
			return v, err
		}
		if v.Null || arg.Null {
			unknown = true
			continue
		}
		found = found || Compare(arg, v) == 0
	}
	switch {
	case found:
		return plan.BoolValue(!e.Not), nil
	case unknown:
		return plan.Null(plan.Of(plan.KindBoolean)), nil
	default:
		return plan.BoolValue(e.Not), nil
	}
}

// IsTrue reports whether a condition holds, and is not unknown.
func IsTrue(v plan.Value) bool { return !v.Null && v.Int != 0 }

// Call applies a function of the view's allow-list.
func Call(name string, args []plan.Value) (plan.Value, error) {
	switch name {
	case "and", "or":
		return logic(name == "and", args), nil
	case "is null":
		return plan.BoolValue(args[0].Null), nil
	case "is not null":
		return plan.BoolValue(!args[0].Null), nil
	case "coalesce", "least", "greatest":
		return choose(name, args), nil
	}
	for _, a := range args {
		if a.Null && name != "nullif" {
			return plan.Null(a.Type), nil
		}
	}
	switch name {
	case "not":
		return plan.BoolValue(args[0].Int == 0), nil
	case "=", "<>", "<", "<=", ">", ">=":
		return plan.BoolValue(compares(name, Compare(args[0], args[1]))), nil
	case "between":
		return plan.BoolValue(Compare(args[0], args[1]) >= 0 && Compare(args[0], args[2]) <= 0), nil
	case "nullif":
		if !args[0].Null && !args[1].Null && Compare(args[0], args[1]) == 0 {
			return plan.Null(args[0].Type), nil
		}
		return args[0], nil
	case "+", "-", "*", "/", "//", "%":
		return arithmetic(name, args), nil
	case "abs", "round", "floor", "ceil":
		return unary(name, args)
	}
	return plan.Value{}, fmt.Errorf("scalar: function %q cannot stand in a view", name)
}

// logic is three-valued AND (all) or OR.
func logic(all bool, args []plan.Value) plan.Value {
	unknown := false
	for _, a := range args {
		if a.Null {
			unknown = true
		} else if (a.Int != 0) != all {
			return plan.BoolValue(!all)
		}
	}
	if unknown {
		return plan.Null(plan.Of(plan.KindBoolean))
	}
	return plan.BoolValue(all)
}

func choose(name string, args []plan.Value) plan.Value {
	best := plan.Null(plan.Type{})
	for _, a := range args {
		switch {
		case a.Null:
		case best.Null:
			best = a
			if name == "coalesce" {
				return best
			}
		case (Compare(a, best) < 0) == (name == "least") && Compare(a, best) != 0:
			best = a
		}
	}
	return best
}

// Compare compares two values that are not NULL, numbers across numeric types.
func Compare(a, b plan.Value) int {
	if a.Type.Kind == b.Type.Kind && a.Type.Kind != plan.KindDecimal {
		return a.Compare(b)
	}
	if a.Type.IsNumeric() && b.Type.IsNumeric() {
		if a.Type.IsInteger() && b.Type.IsInteger() {
			return plan.IntValue(plan.Of(plan.KindBigint), a.Int).Compare(plan.IntValue(plan.Of(plan.KindBigint), b.Int))
		}
		return plan.FloatValue(a.AsFloat()).Compare(plan.FloatValue(b.AsFloat()))
	}
	return strings.Compare(a.Text(), b.Text())
}

func compares(op string, c int) bool {
	switch op {
	case "=":
		return c == 0
	case "<>":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// convert casts a value; what does not fit becomes NULL.
func convert(v plan.Value, to plan.Type) plan.Value {
	switch {
	case v.Null:
		return plan.Null(to)
	case to.Kind == plan.KindVarchar:
		return plan.StringValue(v.Text())
	case to.Kind == plan.KindDouble:
		return Finite(v.AsFloat())
	case to.IsInteger():
		f := math.RoundToEven(v.AsFloat())
		if v.Type.IsInteger() {
			return plan.IntValue(to, v.Int)
		}
		if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
			return plan.Null(to)
		}
		return plan.IntValue(to, int64(f))
	default:
		return plan.Null(to)
	}
}

// Conform gives a value the column's type.
func Conform(v plan.Value, t plan.Type) plan.Value {
	if v.Type == t || (v.Type.Kind == t.Kind && t.Kind != plan.KindDecimal) {
		v.Type = t
		return v
	}
	if v.Type.IsInteger() && t.IsInteger() && !v.Null {
		return plan.IntValue(t, v.Int)
	}
	return convert(v, t)
}
