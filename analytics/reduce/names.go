package reduce

import (
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// names resolves what may also stand for an item of the SELECT list: in GROUP
// BY, HAVING and ORDER BY.
type names struct {
	sc  *scope
	out *plan.Select // with its items resolved
}

// alias returns the item of a name.
func (n names) alias(c *plan.Column) (plan.Expr, bool) {
	i := slices.IndexFunc(n.out.Items, func(it plan.Item) bool { return it.Alias != "" && strings.ToLower(it.Alias) == c.Name })
	if i < 0 || c.Qualifier != "" {
		return nil, false
	}
	return n.out.Items[i].Expr, true
}

// position returns the item at a position.
func (n names) position(e plan.Expr) (plan.Expr, bool) {
	lit, ok := e.(*plan.Literal)
	if !ok || lit.Value.Null || !lit.Value.Type.IsInteger() || lit.Value.Int < 1 || lit.Value.Int > int64(len(n.out.Items)) {
		return nil, false
	}
	return n.out.Items[lit.Value.Int-1].Expr, true
}

// columnOrAlias resolves a name as a column, and else as an alias.
func (n names) columnOrAlias(c *plan.Column) (plan.Expr, error) {
	e, found, err := n.sc.find(c)
	if err != nil || found {
		return e, err
	}
	if e, ok := n.alias(c); ok {
		return e, nil
	}
	return n.sc.column(c)
}

// key resolves an expression of GROUP BY.
func (r *reducer) key(n names, g plan.Expr) (plan.Expr, error) {
	e, ok := n.position(g)
	if !ok {
		var err error
		if e, err = r.rewrite(g, n.columnOrAlias); err != nil {
			return nil, err
		}
	}
	if _, constant := e.(*plan.Literal); constant { // it would be taken for a position
		return nil, refuse(plan.PosOf(g), "a constant in GROUP BY is not permitted").Suggest("leave it out")
	}
	return e, r.count(r.size(e), g)
}

// orders resolves ORDER BY, where an alias goes before a column. Ordering by a
// constant is none.
func (r *reducer) orders(n names, orders []plan.Order) ([]plan.Order, error) {
	var out []plan.Order
	for _, o := range orders {
		e, ok := n.position(o.Expr)
		if c, bare := o.Expr.(*plan.Column); bare && !ok {
			e, ok = n.alias(c)
		}
		if lit, constant := o.Expr.(*plan.Literal); constant && !ok {
			return nil, refuse(lit.Pos, "this constant in ORDER BY is not permitted").
				Suggest("name a column, or give the position of an item of the SELECT list")
		}
		if !ok {
			var err error
			if e, err = r.rewrite(o.Expr, n.columnOrAlias); err != nil {
				return nil, err
			}
		}
		if _, constant := e.(*plan.Literal); constant {
			continue
		}
		if err := r.count(r.size(e), o.Expr); err != nil {
			return nil, err
		}
		out = append(out, plan.Order{Expr: e, Desc: o.Desc, NullsFirst: o.NullsFirst})
	}
	return out, nil
}
