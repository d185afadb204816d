package planner

import (
	"maps"
	"slices"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// enumerate evaluates an expression over all combinations of its parts' values,
// and of NULL for each; false when these are too many, or some value is not
// certain.
func (d *domains) enumerate(e plan.Expr, parts map[string]*part) (image, bool) {
	ev := &roweval.Evaluator{Kind: binding.RowType, Atoms: map[plan.Expr]int{}, Bytes: d.text}
	defer func() { d.text = ev.Bytes }()
	combinations := 1
	run := enumeration{ev: ev, e: e, seen: map[plan.Value]bool{}}
	for i, text := range slices.Sorted(maps.Keys(parts)) {
		q := parts[text]
		for _, n := range q.nodes {
			ev.Atoms[n] = i
		}
		combinations *= len(q.image.values) + 1
		if combinations > maxImage {
			return image{}, false
		}
		run.parts = append(run.parts, q.image)
	}
	d.p.evaluated += combinations * nodes(e)
	if d.p.evaluated > maxEvaluated {
		return image{}, false
	}
	ev.Given = make([]plan.Value, len(parts))
	if !run.from(0, true) {
		return image{}, false
	}
	found := slices.Collect(maps.Keys(run.seen))
	return image{values: distinct(found), null: run.null}, true
}

// enumeration goes through the combinations.
type enumeration struct {
	ev    *roweval.Evaluator
	e     plan.Expr
	parts []image
	seen  map[plan.Value]bool
	null  bool
}

// from tries the values of the parts from index i on. declared says that no part
// before is NULL for want of a value.
func (r *enumeration) from(i int, declared bool) bool {
	if i == len(r.parts) {
		v, ok := r.ev.Of(r.e)
		if ok && v.Null {
			r.null = r.null || declared
		} else if ok {
			v.Float += 0 // no −0
			r.seen[v] = true
		}
		return ok
	}
	in := r.parts[i]
	for _, v := range in.values {
		r.ev.Given[i] = v
		if !r.from(i+1, declared) {
			return false
		}
	}
	if in.given {
		return true
	}
	r.ev.Given[i] = plan.Value{Null: true}
	if len(in.values) > 0 {
		r.ev.Given[i].Type = in.values[0].Type
	}
	return r.from(i+1, declared && in.null)
}

func nodes(e plan.Expr) int {
	n := 0
	plan.Walk(e, func(plan.Expr) bool { n++; return true })
	return n
}

// whole reports whether a number, where it is finite, has no decimals.
func (d *domains) whole(e plan.Expr) bool {
	if binding.RowType(e).IsInteger() {
		return true
	}
	all := func(es []plan.Expr) bool {
		return !slices.ContainsFunc(es, func(a plan.Expr) bool { return !d.whole(a) })
	}
	switch e := e.(type) {
	case *plan.Literal:
		r := roweval.Rational(e.Value)
		return !e.Value.Null && r != nil && r.IsInt()
	case *plan.Cast:
		return binding.RowType(e.Arg).IsNumeric() && e.To.IsNumeric() && d.whole(e.Arg)
	case *plan.Case:
		return all(binding.Results(e))
	case *plan.Call:
		switch e.Func {
		case "floor", "ceil":
			return true
		case "round":
			return len(e.Args) == 1 || d.whole(e.Args[0])
		case "+", "-", "*", "abs", "least", "greatest", "coalesce":
			return all(e.Args)
		case "nullif":
			return d.whole(e.Args[0])
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
