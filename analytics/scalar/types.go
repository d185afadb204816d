package scalar

import "github.com/noised/noised/analytics/plan"

// TypeOf returns the type of a view expression, given those of the aggregates.
// An expression that is always NULL is a double.
func TypeOf(e plan.Expr, keys []plan.Key, aggs []plan.Type) plan.Type {
	double, boolean := plan.Of(plan.KindDouble), plan.Of(plan.KindBoolean)
	switch e := e.(type) {
	case *plan.Literal:
		if e.Value.Type.Kind == plan.KindUnknown {
			return double
		}
		return e.Value.Type
	case *plan.AggRef:
		return aggs[e.Index]
	case *plan.KeyRef:
		return keys[e.Index].Type
	case *plan.Cast:
		return e.To
	case *plan.In:
		return boolean
	case *plan.Case:
		var arms []plan.Expr
		for _, w := range e.Whens {
			arms = append(arms, w.Then)
		}
		if e.Else != nil {
			arms = append(arms, e.Else)
		}
		return commonType(arms, keys, aggs)
	case *plan.Call:
		switch e.Func {
		case "and", "or", "not", "is null", "is not null", "=", "<>", "<", "<=", ">", ">=", "between":
			return boolean
		case "/":
			return double
		case "nullif":
			return TypeOf(e.Args[0], keys, aggs)
		case "abs", "floor", "ceil", "round":
			return wholeOrDouble(commonType(e.Args, keys, aggs), len(e.Args) == 1)
		case "+", "-", "*", "//", "%":
			return wholeOrDouble(commonType(e.Args, keys, aggs), true)
		default: // coalesce, least, greatest
			return commonType(e.Args, keys, aggs)
		}
	case *plan.OutputRef, *plan.Column, *plan.Aggregate:
	}
	return double
}

func wholeOrDouble(t plan.Type, mayBeWhole bool) plan.Type {
	if t.IsInteger() && mayBeWhole {
		return plan.Of(plan.KindBigint)
	}
	return plan.Of(plan.KindDouble)
}

// commonType returns the type that holds all of es: their own where they agree,
// bigint for whole numbers, double for other numbers, else varchar.
func commonType(es []plan.Expr, keys []plan.Key, aggs []plan.Type) plan.Type {
	var common plan.Type
	for i, e := range es {
		t := TypeOf(e, keys, aggs)
		if lit, ok := e.(*plan.Literal); ok && lit.Value.Null && len(es) > 1 {
			continue
		}
		switch {
		case i == 0 || common.Kind == plan.KindUnknown || t == common:
			common = t
		case t.IsInteger() && common.IsInteger():
			common = plan.Of(plan.KindBigint)
		case t.IsNumeric() && common.IsNumeric():
			common = plan.Of(plan.KindDouble)
		default:
			return plan.Of(plan.KindVarchar)
		}
	}
	if common.Kind == plan.KindUnknown {
		return plan.Of(plan.KindDouble)
	}
	return common
}
