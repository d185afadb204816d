package reduce

import (
	"github.com/noised/noised/analytics/plan"
)

// rewrite copies an expression with its columns replaced. What replaces them is
// shared and not copied, but counted in full.
func (r *reducer) rewrite(e plan.Expr, column func(*plan.Column) (plan.Expr, error)) (plan.Expr, error) {
	if err := r.count(1, e); err != nil {
		return nil, err
	}
	switch e := e.(type) {
	case *plan.Column:
		x, err := column(e)
		if err != nil {
			return nil, err
		}
		return at(x, e.Pos), r.count(r.size(x)-1, e)
	case *plan.Literal:
		return e, nil
	case *plan.Call:
		args, err := r.rewriteAll(e.Args, column)
		return &plan.Call{Func: e.Func, Args: args, Pos: e.Pos}, err
	case *plan.In:
		all, err := r.rewriteAll(append([]plan.Expr{e.Arg}, e.List...), column)
		if err != nil {
			return nil, err
		}
		return &plan.In{Arg: all[0], List: all[1:], Not: e.Not, Pos: e.Pos}, nil
	case *plan.Case:
		return r.rewriteCase(e, column)
	case *plan.Cast:
		arg, err := r.rewrite(e.Arg, column)
		return &plan.Cast{Arg: arg, To: e.To, Pos: e.Pos}, err
	case *plan.Aggregate:
		out := *e
		var err error
		if out.Args, err = r.rewriteAll(e.Args, column); err != nil {
			return nil, err
		}
		if e.Filter != nil {
			out.Filter, err = r.rewrite(e.Filter, column)
		}
		return &out, err
	case *plan.AggRef, *plan.KeyRef, *plan.OutputRef:
	}
	return nil, refuse(plan.PosOf(e), "this expression is not permitted")
}

func (r *reducer) rewriteAll(es []plan.Expr, column func(*plan.Column) (plan.Expr, error)) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		x, err := r.rewrite(e, column)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func (r *reducer) rewriteCase(e *plan.Case, column func(*plan.Column) (plan.Expr, error)) (plan.Expr, error) {
	out := &plan.Case{Pos: e.Pos}
	for _, w := range e.Whens {
		pair, err := r.rewriteAll([]plan.Expr{w.If, w.Then}, column)
		if err != nil {
			return nil, err
		}
		out.Whens = append(out.Whens, plan.When{If: pair[0], Then: pair[1]})
	}
	if e.Else == nil {
		return out, nil
	}
	var err error
	out.Else, err = r.rewrite(e.Else, column)
	return out, err
}

// at gives a column the position where it is used; other expressions keep the
// one where they were written.
func at(e plan.Expr, pos plan.Pos) plan.Expr {
	if c, ok := e.(*plan.Column); ok {
		return &plan.Column{Qualifier: c.Qualifier, Name: c.Name, Pos: pos}
	}
	return e
}

// count refuses a query that unfolds into too much.
func (r *reducer) count(n int, where plan.Expr) error {
	r.nodes += n
	if r.nodes > MaxNodes {
		return refuse(plan.PosOf(where), "a query that unfolds into more than %d expressions is not permitted", MaxNodes).
			Suggest("use the items of subqueries fewer times")
	}
	return nil
}

// size counts the nodes of an expression, up to just more than is permitted.
func (r *reducer) size(e plan.Expr) int {
	n := 0
	plan.Walk(e, func(plan.Expr) bool {
		n++
		return n <= MaxNodes
	})
	return n
}

// checkDepth refuses expressions that have become too deep: engines parse what
// is made of them.
func checkDepth(s *plan.Select) error {
	all := []plan.Expr{s.Where, s.Having}
	for _, it := range s.Items {
		all = append(all, it.Expr)
	}
	all = append(all, s.GroupBy...)
	for _, o := range s.OrderBy {
		all = append(all, o.Expr)
	}
	for _, e := range all {
		if e != nil && deeper(e, MaxDepth) {
			return refuse(plan.PosOf(e), "a query that unfolds into more than %d levels is not permitted", MaxDepth).
				Suggest("use fewer subqueries")
		}
	}
	return nil
}

func deeper(e plan.Expr, levels int) bool {
	if levels == 0 {
		return true
	}
	for _, k := range plan.Children(e) {
		if deeper(k, levels-1) {
			return true
		}
	}
	return false
}

// aggregateIn returns an aggregate within an expression; nil for none.
func aggregateIn(e plan.Expr) *plan.Aggregate {
	var found *plan.Aggregate
	plan.Walk(e, func(e plan.Expr) bool {
		if a, ok := e.(*plan.Aggregate); ok && found == nil {
			found = a
		}
		return found == nil
	})
	return found
}

// conjuncts returns the operands of nested ANDs; none for nil.
func conjuncts(e plan.Expr) []plan.Expr {
	if e == nil {
		return nil
	}
	if c, ok := e.(*plan.Call); ok && c.Func == "and" {
		var out []plan.Expr
		for _, a := range c.Args {
			out = append(out, conjuncts(a)...)
		}
		return out
	}
	return []plan.Expr{e}
}

// conjunction is the inverse of conjuncts.
func conjunction(es []plan.Expr) plan.Expr {
	switch len(es) {
	case 0:
		return nil
	case 1:
		return es[0]
	}
	return &plan.Call{Func: "and", Args: es, Pos: plan.PosOf(es[0])}
}
