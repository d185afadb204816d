package ranges

import (
	"slices"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// Whole reports whether a number, where it is finite, has no decimals.
func Whole(e plan.Expr) bool {
	if binding.RowType(e).IsInteger() {
		return true
	}
	all := func(es []plan.Expr) bool {
		return !slices.ContainsFunc(es, func(a plan.Expr) bool { return !Whole(a) })
	}
	switch e := e.(type) {
	case *plan.Literal:
		r := roweval.Rational(e.Value)
		return !e.Value.Null && r != nil && r.IsInt()
	case *plan.Cast:
		return binding.RowType(e.Arg).IsNumeric() && e.To.IsNumeric() && Whole(e.Arg)
	case *plan.Case:
		return all(binding.Results(e))
	case *plan.Call:
		switch e.Func {
		case "floor", "ceil":
			return true
		case "round":
			return len(e.Args) == 1 || Whole(e.Args[0])
		case "+", "-", "*", "abs", "least", "greatest", "coalesce":
			return all(e.Args)
		case "nullif":
			return Whole(e.Args[0])
		}
	default:
	}
	return false
}

// nullable reports whether an expression may be NULL though no column in it is.
func (d *domains) nullable(e plan.Expr) bool {
	found := false
	plan.Walk(e, func(e plan.Expr) bool {
		found = found || d.makesNull(e)
		return !found
	})
	return found
}

func (d *domains) makesNull(e plan.Expr) bool {
	switch e := e.(type) {
	case *plan.Literal:
		return e.Value.Null
	case *plan.Case:
		return e.Else == nil
	case *plan.Cast:
		from := binding.RowType(e.Arg)
		widens := e.To.Kind == plan.KindVarchar || e.To.Kind == plan.KindDouble && from.IsNumeric() ||
			from.IsInteger() && e.To.IsInteger() && e.To.Kind >= from.Kind
		return !widens
	case *plan.Call:
		switch e.Func {
		case "/":
			lit, ok := e.Args[1].(*plan.Literal)
			return !ok || lit.Value.Null || lit.Value.Float == 0
		case "nullif", "sqrt", "ln", "log10", "power", "year", "quarter", "month", "day", "dayofweek", "date_trunc":
			return true
		}
	default:
	}
	return false
}
