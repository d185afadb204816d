package reduce

import (
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Limits on what a query unfolds into.
const (
	// MaxNodes is the largest number of expressions.
	MaxNodes = 10_000
	// MaxDepth is how far expressions nest.
	MaxDepth = 100
)

// Columns returns the names of a table's columns, in lower case; an error,
// which Reduce returns, for a table that does not exist.
type Columns func(*plan.Table) ([]string, error)

// Reduce returns a query without subqueries and USING that has the same answer.
// Over several tables all of its columns are qualified, by aliases that are
// unique. A query of one table is returned as it is. Neither its errors nor its
// result depend on anything but the text and the columns' names; sel is not
// changed.
func Reduce(sel *plan.Select, columns Columns) (*plan.Select, error) {
	if _, one := sel.From.(*plan.Table); one {
		return sel, nil
	}
	r := &reducer{columns: columns, single: len(plan.Tables(sel.From)) == 1, taken: map[string]bool{}}
	q, err := r.query(sel)
	if err != nil {
		return nil, err
	}
	for i := range q.sel.Items {
		q.sel.Items[i] = q.named(i)
	}
	return q.sel, checkDepth(q.sel)
}

// reducer is the state of one reduction.
type reducer struct {
	columns Columns
	single  bool            // one table in all: columns need no qualifier
	taken   map[string]bool // aliases of tables so far
	nodes   int
}

// query is a SELECT without subqueries, every name of which is resolved.
type query struct {
	sel    *plan.Select
	names  []string // by which its items are known outside; empty for none
	groups bool     // its rows are groups, whether or not an item still shows it
}

// named gives an item the name that it had before its expression was replaced.
func (q *query) named(i int) plan.Item {
	it := q.sel.Items[i]
	c, bare := it.Expr.(*plan.Column)
	if it.Alias != "" || q.names[i] == "" || bare && c.Name == q.names[i] {
		return it
	}
	for j, name := range q.names {
		if j != i && name == q.names[i] { // the planner numbers equal names
			return it
		}
	}
	it.Alias = q.names[i]
	return it
}

// query reduces one SELECT.
func (r *reducer) query(sel *plan.Select) (*query, error) {
	if sub, ok := sel.From.(*plan.Subquery); ok {
		inner, err := r.query(sub.Select)
		if err != nil {
			return nil, err
		}
		if inner.groups {
			return r.over(sel, sub, inner)
		}
		rel, err := r.rows(sub, inner, false)
		if err != nil {
			return nil, err
		}
		return r.merge(sel, inner.sel.From, &scope{relations: []*relation{rel}}, conjuncts(inner.sel.Where))
	}
	from, sc, filters, err := r.from(sel.From, false)
	if err != nil {
		return nil, err
	}
	return r.merge(sel, from, sc, filters)
}

// merge resolves a SELECT whose FROM has been reduced to tables, conjoining the
// filters of the subqueries that it had.
func (r *reducer) merge(sel *plan.Select, from plan.From, sc *scope, filters []plan.Expr) (*query, error) {
	out := &plan.Select{From: from, Limit: sel.Limit, Offset: sel.Offset}
	q := &query{sel: out}
	var err error
	if err := r.items(q, sel, sc); err != nil {
		return nil, err
	}
	if sel.Where != nil {
		w, err := r.rewrite(sel.Where, sc.column)
		if err != nil {
			return nil, err
		}
		filters = append(filters, conjuncts(w)...)
	}
	out.Where = conjunction(filters)
	names := names{sc: sc, sel: sel, out: out}
	for _, g := range sel.GroupBy {
		key, err := r.key(names, g)
		if err != nil {
			return nil, err
		}
		out.GroupBy = append(out.GroupBy, key)
	}
	if sel.Having != nil {
		if out.Having, err = r.rewrite(sel.Having, names.columnOrAlias); err != nil {
			return nil, err
		}
	}
	q.groups = len(out.GroupBy) > 0 || out.Having != nil || aggregates(out)
	out.OrderBy, err = r.orders(names, sel.OrderBy)
	return q, err
}

// aggregates reports whether an item has an aggregate.
func aggregates(s *plan.Select) bool {
	return slices.ContainsFunc(s.Items, func(it plan.Item) bool { return aggregateIn(it.Expr) != nil })
}

// items resolves the SELECT list and names what it exports.
func (r *reducer) items(q *query, sel *plan.Select, sc *scope) error {
	for _, it := range sel.Items {
		e, err := r.rewrite(it.Expr, sc.column)
		if err != nil {
			return err
		}
		name := strings.ToLower(it.Alias)
		if c, bare := it.Expr.(*plan.Column); bare && name == "" {
			name = c.Name
		}
		q.names = append(q.names, name)
		q.sel.Items = append(q.sel.Items, plan.Item{Expr: e, Alias: it.Alias, Pos: it.Pos})
	}
	return nil
}

// refuse returns a refusal that points at a place in the text.
func refuse(at plan.Pos, format string, args ...any) *privacy.Error {
	return privacy.Errorf(privacy.CodeQueryNotPermitted, format, args...).At(int(at))
}
