package reduce

import (
	"math"

	"github.com/noised/noised/analytics/plan"
)

// over reduces a plain SELECT over one aggregated subquery: what it does with
// groups is done after they are aggregated.
func (r *reducer) over(sel *plan.Select, sub *plan.Subquery, inner *query) (*query, error) {
	if err := plain(sel); err != nil {
		return nil, err
	}
	sc := &scope{relations: []*relation{{name: sub.Alias}}}
	for i, it := range inner.sel.Items {
		if inner.names[i] != "" {
			sc.relations[0].columns = append(sc.relations[0].columns, column{name: inner.names[i], expr: it.Expr})
		}
	}
	out := *inner.sel
	out.Items = nil
	q := &query{sel: &out, groups: true}
	if err := r.items(q, sel, sc); err != nil {
		return nil, err
	}
	if sel.Where != nil {
		w, err := r.rewrite(sel.Where, sc.column)
		if err != nil {
			return nil, err
		}
		out.Having = conjunction(append(conjuncts(out.Having), conjuncts(w)...))
	}
	orders, err := r.orders(names{sc: sc, out: &out}, sel.OrderBy)
	if err != nil {
		return nil, err
	}
	if limited(inner.sel) && (sel.Where != nil || len(orders) > 0) {
		return nil, refuse(sub.Pos, "WHERE or ORDER BY over a subquery with LIMIT is not permitted").
			Suggest("put WHERE as HAVING, and ORDER BY, into the subquery, or leave its LIMIT out")
	}
	if len(orders) > 0 {
		out.OrderBy = orders
	}
	cut(&out, sel)
	return q, nil
}

// plain refuses what would aggregate groups again.
func plain(sel *plan.Select) error {
	again := func(at plan.Pos) error {
		return refuse(at, "aggregating an aggregated subquery again is not permitted").
			Suggest("aggregate once, in the outer query, over the rows; arithmetic of aggregates is permitted")
	}
	exprs := []plan.Expr{}
	for _, it := range sel.Items {
		exprs = append(exprs, it.Expr)
	}
	for _, o := range sel.OrderBy {
		exprs = append(exprs, o.Expr)
	}
	exprs = append(exprs, sel.Where)
	for _, e := range exprs {
		if e == nil {
			continue
		}
		if a := aggregateIn(e); a != nil {
			return again(a.Pos)
		}
	}
	switch {
	case len(sel.GroupBy) > 0:
		return again(plan.PosOf(sel.GroupBy[0]))
	case sel.Having != nil:
		return refuse(plan.PosOf(sel.Having), "HAVING over an aggregated subquery is not permitted").Suggest("use WHERE")
	}
	return nil
}

// cut applies the LIMIT and OFFSET of a query to what is limited already.
func cut(out *plan.Select, by *plan.Select) {
	if out.Limit != nil {
		left := max(*out.Limit-by.Offset, 0)
		out.Limit = &left
	}
	if by.Limit != nil && (out.Limit == nil || *by.Limit < *out.Limit) {
		out.Limit = by.Limit
	}
	if by.Offset > math.MaxInt64-out.Offset {
		out.Offset = math.MaxInt64
	} else {
		out.Offset += by.Offset
	}
}
