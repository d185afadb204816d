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
	labels []string // that they have in a result without an alias
	groups bool     // its rows are groups, whether or not an item still shows it
}

func (q *query) add(it plan.Item, name, label string) {
	q.sel.Items = append(q.sel.Items, it)
	q.names, q.labels = append(q.names, name), append(q.labels, label)
}

// named gives an item the name that it had before its expression was replaced,
// unless that is another's: equal names are for the planner to number.
func (q *query) named(i int) plan.Item {
	it := q.sel.Items[i]
	if it.Alias != "" || plan.OutputName(it.Expr, i+1) == q.labels[i] {
		return it
	}
	for j, o := range q.sel.Items {
		if j != i && (o.Alias == "" && q.labels[j] == q.labels[i] || strings.EqualFold(o.Alias, q.labels[i])) {
			return it
		}
	}
	it.Alias = q.labels[i]
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
	names := names{sc: sc, out: out}
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
	for i, it := range sel.Items {
		if it.Star {
			if err := r.star(q, it, sc); err != nil {
				return err
			}
			continue
		}
		e, err := r.rewrite(it.Expr, sc.column)
		if err != nil {
			return err
		}
		name := strings.ToLower(it.Alias)
		if c, bare := it.Expr.(*plan.Column); bare && name == "" {
			name = c.Name
		}
		q.add(plan.Item{Expr: e, Alias: it.Alias, Pos: it.Pos}, name, plan.OutputName(it.Expr, i+1))
	}
	return nil
}

// star writes out * or t.*. What USING has joined is one column.
func (r *reducer) star(q *query, it plan.Item, sc *scope) error {
	relation := it.Expr.(*plan.Column).Qualifier
	seen, found := map[string]bool{}, false
	for _, rel := range sc.relations {
		if relation != "" && relation != rel.name {
			continue
		}
		found = true
		for _, col := range rel.columns {
			once := relation == "" && (isTenant(col.expr) || slices.ContainsFunc(sc.using, func(u column) bool { return u.name == col.name }))
			if once && seen[col.name] {
				continue
			}
			seen[col.name] = true
			if err := r.count(r.size(col.expr), it.Expr); err != nil {
				return err
			}
			q.add(plan.Item{Expr: at(col.expr, it.Pos), Pos: it.Pos}, col.name, col.name)
		}
	}
	if !found {
		return unknown(it.Expr.(*plan.Column), "nothing in this FROM is called %q", relation)
	}
	return nil
}

// refuse returns a refusal that points at a place in the text.
func refuse(at plan.Pos, format string, args ...any) *privacy.Error {
	return privacy.Errorf(privacy.CodeQueryNotPermitted, format, args...).At(int(at))
}
