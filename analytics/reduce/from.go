package reduce

import "github.com/noised/noised/analytics/plan"

// from reduces a relation to tables and joins. It returns what the names mean
// and the filters of the subqueries, which hold for the joined rows: a filter
// commutes with an inner join, and with a LEFT JOIN from its left side. nullable
// says that the relation stands on the right side of a LEFT JOIN, where it does
// not.
func (r *reducer) from(f plan.From, nullable bool) (plan.From, *scope, []plan.Expr, error) {
	switch f := f.(type) {
	case *plan.Table:
		t, rel, err := r.table(f)
		if err != nil {
			return nil, nil, nil, err
		}
		return t, &scope{relations: []*relation{rel}}, nil, nil
	case *plan.Subquery:
		inner, err := r.query(f.Select)
		if err != nil {
			return nil, nil, nil, err
		}
		rel, err := r.rows(f, inner, nullable)
		if err != nil {
			return nil, nil, nil, err
		}
		return inner.sel.From, &scope{relations: []*relation{rel}}, conjuncts(inner.sel.Where), nil
	case *plan.Join:
		return r.joined(f, nullable)
	}
	return nil, nil, nil, refuse(0, "this kind of relation is not permitted")
}

func (r *reducer) joined(j *plan.Join, nullable bool) (plan.From, *scope, []plan.Expr, error) {
	left, ls, lf, err := r.from(j.Left, nullable)
	if err != nil {
		return nil, nil, nil, err
	}
	right, rs, rf, err := r.from(j.Right, nullable || j.Outer)
	if err != nil {
		return nil, nil, nil, err
	}
	sc, err := r.join(ls, rs, j.Pos)
	if err != nil {
		return nil, nil, nil, err
	}
	out := &plan.Join{Left: left, Right: right, Outer: j.Outer, Pos: j.Pos}
	var on []plan.Expr
	if j.On != nil {
		e, err := r.rewrite(j.On, sc.column)
		if err != nil {
			return nil, nil, nil, err
		}
		on = conjuncts(e)
	}
	for _, name := range j.Using {
		c := &plan.Column{Name: name, Pos: j.Pos}
		l, err := ls.column(c)
		if err != nil {
			return nil, nil, nil, err
		}
		m, err := rs.column(c)
		if err != nil {
			return nil, nil, nil, err
		}
		on = append(on, &plan.Call{Func: "=", Args: []plan.Expr{at(l, j.Pos), at(m, j.Pos)}, Pos: j.Pos})
		// In an inner join both sides are equal; in a LEFT JOIN the left one is
		// never missing where the right one is there.
		sc.using = append([]column{{name: name, expr: l}}, sc.using...)
	}
	out.On = conjunction(on)
	return out, sc, append(lf, rf...), nil
}

// rows makes a subquery of rows a relation.
func (r *reducer) rows(sub *plan.Subquery, inner *query, nullable bool) (*relation, error) {
	switch {
	case inner.groups:
		return nil, refuse(sub.Pos, "joining an aggregated subquery is not permitted").
			Suggest("join the tables themselves, and aggregate once outside")
	case len(inner.sel.OrderBy) > 0 || limited(inner.sel):
		return nil, refuse(sub.Pos, "ORDER BY or LIMIT in a subquery of rows is not permitted").
			Suggest("leave it out; what it would pick are people")
	case nullable && !renames(inner.sel):
		// Where a row has no partner, an expression would have to be NULL that
		// is not, and a filter would take the row away.
		return nil, refuse(sub.Pos, "a subquery with WHERE, a join or expressions on the right of a LEFT JOIN is not permitted").
			Suggest("LEFT JOIN the table itself, and put the expressions into the SELECT list")
	}
	rel := &relation{name: sub.Alias}
	for i, it := range inner.sel.Items {
		if inner.names[i] != "" && !(nullable && isTenant(it.Expr)) { // it has no NULL
			rel.columns = append(rel.columns, column{name: inner.names[i], expr: it.Expr})
		}
	}
	return rel, nil
}

// renames reports whether a query only picks columns of one table.
func renames(s *plan.Select) bool {
	if _, one := s.From.(*plan.Table); !one || s.Where != nil {
		return false
	}
	for _, it := range s.Items {
		if _, bare := it.Expr.(*plan.Column); !bare || isTenant(it.Expr) && it.Alias != "" {
			return false
		}
	}
	return true
}

func limited(s *plan.Select) bool { return s.Limit != nil || s.Offset > 0 }
