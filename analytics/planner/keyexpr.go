package planner

import (
	"slices"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/ranges"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/analytics/roweval"
)

// expressionKey makes a key of a bound expression. Its domain is declared where
// the contract implies it; otherwise its values are secret and must pass
// selection, as those of a private dimension.
//
// Each measure in it is first clamped to its bounds, so that the buckets at both
// ends take what lies beyond and no row is lost.
func (p *planning) expressionKey(e plan.Expr) (plan.Key, error) {
	if err := p.countTexts(e); err != nil {
		return plan.Key{}, err
	}
	im, declared := p.ranges.Image(e)
	if declared && len(im.Values) == 0 && !im.Null {
		declared = false
	}
	t, at := binding.RowType(e), plan.PosOf(e)
	if !declared && p.reads(e, contract.RoleMeasure) && !p.private(e) {
		return plan.Key{}, p.tooFine(e)
	}
	if t.IsNumeric() && !t.IsInteger() {
		if !ranges.Whole(e) && !(declared && allWhole(im.Values)) {
			return plan.Key{}, refusal.New(at, "GROUP BY a fractional number is not permitted").Suggest("group by whole numbers, for example floor(x / 0.5)")
		}
		t = plan.Of(plan.KindBigint)
		e = &plan.Cast{Arg: e, To: t, Pos: at}
	}
	k := plan.Key{Expr: p.clamped(e), Type: t}
	k.Column = plan.Print(k.Expr)
	if !declared {
		return k, nil
	}
	for _, v := range im.Values {
		if v.Type.Kind == plan.KindDouble || v.Type.Kind == plan.KindDecimal {
			v, _ = roweval.ToInteger(v, t)
		}
		v.Type = t
		k.Domain = append(k.Domain, v)
	}
	if im.Null {
		k.Domain = append(k.Domain, plan.Null(t))
	}
	return k, nil
}

func (p *planning) tooFine(e plan.Expr) error {
	what := "GROUP BY an expression of measures"
	if c, bare := e.(*plan.Column); bare {
		what = "GROUP BY the measure \"" + c.Name + "\""
	}
	return refusal.New(plan.PosOf(e), "%s is not permitted: it has no known or too many values", what).
		Suggest("use a bucket of some width, for example floor(x / 10) or width_bucket(x, 0, 100, 20)")
}

func allWhole(values []plan.Value) bool {
	return !slices.ContainsFunc(values, func(v plan.Value) bool {
		r := roweval.Rational(v)
		return r == nil || !r.IsInt() || r.Num().BitLen() > 53
	})
}

// private reports whether an expression reads a dimension whose values are
// secret.
func (p *planning) private(e plan.Expr) bool {
	return p.anyColumn(e, func(col contract.Column) bool { return col.Role == contract.RoleDimension && col.Private })
}

// reads reports whether an expression reads a column of a role.
func (p *planning) reads(e plan.Expr, role contract.Role) bool {
	return p.anyColumn(e, func(col contract.Column) bool { return col.Role == role })
}

func (p *planning) anyColumn(e plan.Expr, is func(contract.Column) bool) bool {
	found := false
	plan.Walk(e, func(e plan.Expr) bool {
		if c, ok := e.(*plan.Column); ok && !found {
			col, err := p.column(c)
			found = err == nil && is(col)
		}
		return !found
	})
	return found
}

// clamped replaces each measure by its value within its bounds. NULL stays NULL,
// which least and greatest would pass over.
func (p *planning) clamped(e plan.Expr) plan.Expr {
	return rewrite(e, func(e plan.Expr) (plan.Expr, bool) {
		c, ok := e.(*plan.Column)
		if !ok {
			return nil, false
		}
		col, err := p.column(c)
		if err != nil || col.Role != contract.RoleMeasure {
			return c, true
		}
		lo, hi := p.limits(col)
		arm := func(op string, v plan.Value) plan.When {
			bound := &plan.Literal{Value: v}
			return plan.When{If: &plan.Call{Func: op, Args: []plan.Expr{c, bound}}, Then: bound}
		}
		return &plan.Case{Whens: []plan.When{arm("<", lo), arm(">", hi)}, Else: c, Pos: c.Pos}, true
	})
}

// limits returns a measure's bounds in its own type, rounded inward.
func (p *planning) limits(col contract.Column) (lo, hi plan.Value) {
	b := p.bounds(col)
	if col.Type.Kind == plan.KindDouble {
		return plan.FloatValue(b[0]), plan.FloatValue(b[1])
	}
	first, last, _ := ranges.WholeBounds(b, col.Type)
	return plan.IntValue(col.Type, first), plan.IntValue(col.Type, last)
}

// rewrite returns a copy of e in which change has replaced the nodes that it
// answers for.
func rewrite(e plan.Expr, change func(plan.Expr) (plan.Expr, bool)) plan.Expr {
	if e == nil {
		return nil
	}
	if x, ok := change(e); ok {
		return x
	}
	all := func(es []plan.Expr) []plan.Expr {
		out := make([]plan.Expr, len(es))
		for i, k := range es {
			out[i] = rewrite(k, change)
		}
		return out
	}
	switch e := e.(type) {
	case *plan.Call:
		return &plan.Call{Func: e.Func, Args: all(e.Args), Pos: e.Pos}
	case *plan.In:
		return &plan.In{Arg: rewrite(e.Arg, change), List: all(e.List), Not: e.Not, Pos: e.Pos}
	case *plan.Cast:
		return &plan.Cast{Arg: rewrite(e.Arg, change), To: e.To, Pos: e.Pos}
	case *plan.Case:
		out := &plan.Case{Else: rewrite(e.Else, change), Pos: e.Pos}
		for _, w := range e.Whens {
			out.Whens = append(out.Whens, plan.When{If: rewrite(w.If, change), Then: rewrite(w.Then, change)})
		}
		return out
	default:
		return e
	}
}
