package finish

import (
	"fmt"
	"math"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// scope gives a view expression the values of one group.
type scope struct {
	keys []plan.Value
	aggs []plan.Value
	outs []plan.Value // for ORDER BY only
}

// eval computes a view expression for one group, with SQL's three-valued logic.
// It is total: division by zero and overflow are NULL.
func eval(e plan.Expr, s scope) (plan.Value, error) {
	switch e := e.(type) {
	case *plan.Literal:
		return e.Value, nil
	case *plan.AggRef:
		return s.aggs[e.Index], nil
	case *plan.KeyRef:
		return s.keys[e.Index], nil
	case *plan.OutputRef:
		return s.outs[e.Index], nil
	case *plan.Cast:
		v, err := eval(e.Arg, s)
		return convert(v, e.To), err
	case *plan.Case:
		return evalCase(e, s)
	case *plan.In:
		return evalIn(e, s)
	case *plan.Call:
		args := make([]plan.Value, len(e.Args))
		for i, a := range e.Args {
			v, err := eval(a, s)
			if err != nil {
				return v, err
			}
			args[i] = v
		}
		return call(e.Func, args)
	case *plan.Column, *plan.Aggregate:
	}
	return plan.Value{}, fmt.Errorf("finish: %T cannot stand in a view", e)
}

func evalCase(e *plan.Case, s scope) (plan.Value, error) {
	for _, w := range e.Whens {
		c, err := eval(w.If, s)
		if err != nil {
			return c, err
		}
		if isTrue(c) {
			return eval(w.Then, s)
		}
	}
	if e.Else == nil {
		return plan.Null(plan.Type{}), nil
	}
	return eval(e.Else, s)
}

func evalIn(e *plan.In, s scope) (plan.Value, error) {
	arg, err := eval(e.Arg, s)
	if err != nil {
		return arg, err
	}
	found, unknown := false, arg.Null
	for _, item := range e.List {
		v, err := eval(item, s)
		if err != nil {
			return v, err
		}
		if v.Null || arg.Null {
			unknown = true
			continue
		}
		found = found || order(arg, v) == 0
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

func isTrue(v plan.Value) bool { return !v.Null && v.Int != 0 }

// call applies a function of the view's allow-list.
func call(name string, args []plan.Value) (plan.Value, error) {
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
		return plan.BoolValue(compares(name, order(args[0], args[1]))), nil
	case "between":
		return plan.BoolValue(order(args[0], args[1]) >= 0 && order(args[0], args[2]) <= 0), nil
	case "nullif":
		if !args[0].Null && !args[1].Null && order(args[0], args[1]) == 0 {
			return plan.Null(args[0].Type), nil
		}
		return args[0], nil
	case "+", "-", "*", "/", "//", "%":
		return arithmetic(name, args), nil
	case "abs", "round", "floor", "ceil":
		return unary(name, args)
	}
	return plan.Value{}, fmt.Errorf("finish: function %q cannot stand in a view", name)
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
		case (order(a, best) < 0) == (name == "least") && order(a, best) != 0:
			best = a
		}
	}
	return best
}

// order compares two values that are not NULL, numbers across numeric types.
func order(a, b plan.Value) int {
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
		return finite(v.AsFloat())
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
