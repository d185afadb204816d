package canon

import (
	"cmp"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// Simplify brings a bound call or IN, whose operands are simplified, to one
// form for all its spellings, and computes what is constant. It is exact: the
// result has the same value for every row.
func Simplify(e plan.Expr) plan.Expr {
	switch e := e.(type) {
	case *plan.In:
		return simplifyIn(e)
	case *plan.Call:
		switch e.Func {
		case "and", "or":
			return Junction(e.Func, e.Args, e.Pos)
		case "not":
			return negate(e)
		case "=", "<>", "<", "<=", ">", ">=":
			return comparison(e)
		case "is null", "is not null":
			if lit, ok := e.Args[0].(*plan.Literal); ok {
				return truth(lit.Value.Null == (e.Func == "is null"), e.Pos)
			}
		case "+", "-", "*", "/":
			return arithmetic(e)
		case "coalesce", "least", "greatest", "concat":
			if len(e.Args) == 1 && e.Func != "concat" {
				return e.Args[0]
			}
		}
	default:
	}
	return e
}

func truth(b bool, at plan.Pos) plan.Expr {
	return &plan.Literal{Value: plan.BoolValue(b), Pos: at}
}

// IsTruth reports whether an expression is the literal TRUE, or FALSE.
func IsTruth(e plan.Expr, want bool) bool {
	lit, ok := e.(*plan.Literal)
	return ok && !lit.Value.Null && lit.Value == plan.BoolValue(want)
}

// Junction flattens and sorts AND and OR, drops repeats and neutral operands,
// and stops at a dominant one.
func Junction(fn string, args []plan.Expr, at plan.Pos) plan.Expr {
	neutral := fn == "and"
	var flat []plan.Expr
	for _, a := range args {
		if c, ok := a.(*plan.Call); ok && c.Func == fn {
			flat = append(flat, c.Args...)
		} else {
			flat = append(flat, a)
		}
	}
	if slices.ContainsFunc(flat, func(e plan.Expr) bool { return IsTruth(e, !neutral) }) {
		return truth(!neutral, at)
	}
	flat = slices.DeleteFunc(flat, func(e plan.Expr) bool { return IsTruth(e, neutral) })
	flat = sorted(flat)
	switch len(flat) {
	case 0:
		return truth(neutral, at)
	case 1:
		return flat[0]
	}
	return &plan.Call{Func: fn, Args: flat, Pos: at}
}

// sorted orders expressions by their print and drops repeats.
func sorted(es []plan.Expr) []plan.Expr {
	type printed struct {
		text string
		e    plan.Expr
	}
	ps := make([]printed, len(es))
	for i, e := range es {
		ps[i] = printed{plan.Print(e), e}
	}
	slices.SortStableFunc(ps, func(a, b printed) int { return cmp.Compare(a.text, b.text) })
	ps = slices.CompactFunc(ps, func(a, b printed) bool { return a.text == b.text })
	out := make([]plan.Expr, len(ps))
	for i, p := range ps {
		out[i] = p.e
	}
	return out
}

// Conjuncts returns the operands of a condition's AND: none when it is true,
// FALSE alone when it can never pass.
func Conjuncts(e plan.Expr) []plan.Expr {
	switch {
	case e == nil || IsTruth(e, true):
		return nil
	case IsNull(e):
		return []plan.Expr{truth(false, plan.PosOf(e))}
	}
	if c, ok := e.(*plan.Call); ok && c.Func == "and" {
		if slices.ContainsFunc(c.Args, IsNull) {
			return []plan.Expr{truth(false, c.Pos)}
		}
		return c.Args
	}
	return []plan.Expr{e}
}

// Conjunction is the inverse; nil for no condition.
func Conjunction(es []plan.Expr) plan.Expr {
	var parts []plan.Expr
	for _, e := range es {
		if e != nil {
			parts = append(parts, e)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	if e := Junction("and", parts, plan.PosOf(parts[0])); !IsTruth(e, true) {
		return e
	}
	return nil
}

var inverse = map[string]string{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "is null": "is not null", "is not null": "is null"}

// negate pushes NOT into what has a negation of its own. NULL stays NULL.
func negate(c *plan.Call) plan.Expr {
	switch arg := c.Args[0].(type) {
	case *plan.Literal:
		if arg.Value.Null {
			return arg
		}
		return truth(arg.Value.Int == 0, c.Pos)
	case *plan.In:
		return &plan.In{Arg: arg.Arg, List: arg.List, Not: !arg.Not, Pos: c.Pos}
	case *plan.Call:
		if arg.Func == "not" {
			return arg.Args[0]
		}
		if inv, ok := inverse[arg.Func]; ok {
			return &plan.Call{Func: inv, Args: arg.Args, Pos: c.Pos}
		}
	default:
	}
	return c
}

var mirrored = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// comparison puts a literal on the right, orders other operands by their
// print, and compares two literals.
func comparison(c *plan.Call) plan.Expr {
	x, xLit := c.Args[0].(*plan.Literal)
	y, yLit := c.Args[1].(*plan.Literal)
	if (xLit && x.Value.Null) || (yLit && y.Value.Null) {
		return &plan.Literal{Value: plan.Null(plan.Of(plan.KindBoolean)), Pos: c.Pos}
	}
	if xLit && yLit && x.Value.Type == y.Value.Type {
		return truth(roweval.Holds(c.Func, x.Value.Compare(y.Value)), c.Pos)
	}
	if (xLit && !yLit) || (xLit == yLit && plan.Print(c.Args[0]) > plan.Print(c.Args[1])) {
		return &plan.Call{Func: mirrored[c.Func], Args: []plan.Expr{c.Args[1], c.Args[0]}, Pos: c.Pos}
	}
	return c
}

// sameTypes is false for numbers of a view, which may differ in type.
func sameTypes(arg *plan.Literal, list []plan.Expr) bool {
	return !slices.ContainsFunc(list, func(i plan.Expr) bool { return i.(*plan.Literal).Value.Type != arg.Value.Type })
}

// simplifyIn computes with a constant, and sorts the list; one element is a comparison.
func simplifyIn(e *plan.In) plan.Expr {
	list := sorted(e.List)
	if lit, ok := e.Arg.(*plan.Literal); ok && !lit.Value.Null && sameTypes(lit, list) {
		found := slices.ContainsFunc(list, func(i plan.Expr) bool { return i.(*plan.Literal).Value.Compare(lit.Value) == 0 })
		return truth(found != e.Not, e.Pos)
	}
	if len(list) > 1 {
		return &plan.In{Arg: e.Arg, List: list, Not: e.Not, Pos: e.Pos}
	}
	op := "="
	if e.Not {
		op = "<>"
	}
	return comparison(&plan.Call{Func: op, Args: []plan.Expr{e.Arg, list[0]}, Pos: e.Pos})
}

// arithmetic orders the operands of + and *, which commute exactly, and
// computes with double literals. Literals of a view may have other types and
// are left to it.
func arithmetic(c *plan.Call) plan.Expr {
	var fs []float64
	for _, a := range c.Args {
		if lit, ok := a.(*plan.Literal); ok && !lit.Value.Null && lit.Value.Type.Kind == plan.KindDouble {
			fs = append(fs, lit.Value.Float)
		}
	}
	if len(fs) == len(c.Args) {
		if f := roweval.Compute(c.Func, fs); roweval.Finite(f) {
			return &plan.Literal{Value: plan.FloatValue(f), Pos: c.Pos}
		}
	}
	if (c.Func == "+" || c.Func == "*") && plan.Print(c.Args[0]) > plan.Print(c.Args[1]) {
		return &plan.Call{Func: c.Func, Args: []plan.Expr{c.Args[1], c.Args[0]}, Pos: c.Pos}
	}
	return c
}

// IsNull reports whether an expression is the literal NULL, of any type.
func IsNull(e plan.Expr) bool {
	lit, ok := e.(*plan.Literal)
	return ok && lit.Value.Null
}
