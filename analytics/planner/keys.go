package planner

import (
	"cmp"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

// keys resolves GROUP BY. Keys are sorted by name, so that their order in the
// text makes no other release.
func (p *planning) keys() error {
	p.keyOf, p.keyAt = map[string]string{}, map[plan.Expr]int{}
	for _, g := range p.sel.GroupBy {
		k, err := p.key(g)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(p.out.Keys, func(o plan.Key) bool { return o.Column == k.Column }) {
			p.out.Keys = append(p.out.Keys, k)
		}
	}
	slices.SortFunc(p.out.Keys, func(a, b plan.Key) int { return cmp.Compare(a.Column, b.Column) })
	return nil
}

// key resolves one expression of GROUP BY: a dimension, an expression, or the
// position or the alias of an item that is one.
func (p *planning) key(g plan.Expr) (plan.Key, error) {
	written := g
	switch e := g.(type) {
	case *plan.Literal:
		item, ok := p.item(e)
		if !ok {
			return plan.Key{}, notAKey(e)
		}
		written = item.Expr
	case *plan.Column:
		if item, ok := p.itemByAlias(e); ok {
			written = item.Expr
		}
	default:
	}
	if containsAggregate(written) {
		return plan.Key{}, refusal.New(plan.PosOf(written), "an aggregate in GROUP BY is not permitted").Suggest("GROUP BY dimensions of the dataset")
	}
	e, err := p.row("GROUP BY").Bind(written)
	if err != nil {
		return plan.Key{}, err
	}
	if columnsIn(e) == 0 {
		return plan.Key{}, notAKey(written)
	}
	var k plan.Key
	if c, bare := e.(*plan.Column); bare {
		k, err = p.columnKey(c)
	} else {
		k, err = p.expressionKey(e)
	}
	if err != nil {
		return plan.Key{}, refusal.Located(err, plan.PosOf(written))
	}
	p.keyOf[plan.Print(e)] = k.Column
	return k, nil
}

func notAKey(e plan.Expr) error {
	return refusal.New(plan.PosOf(e), "this constant in GROUP BY is not permitted").
		Suggest("name a column, or give the position of an item of the SELECT list")
}

func containsAggregate(e plan.Expr) bool {
	found := false
	plan.Walk(e, func(e plan.Expr) bool {
		_, is := e.(*plan.Aggregate)
		found = found || is
		return !found
	})
	return found
}

// item returns the item at a position of the SELECT list.
func (p *planning) item(lit *plan.Literal) (plan.Item, bool) {
	v := lit.Value
	if v.Null || !v.Type.IsInteger() || v.Int < 1 || v.Int > int64(len(p.sel.Items)) {
		return plan.Item{}, false
	}
	return p.sel.Items[v.Int-1], true
}

// itemByAlias returns the item that a name means when no column has it.
func (p *planning) itemByAlias(c *plan.Column) (plan.Item, bool) {
	if c.Qualifier != "" || slices.Contains(p.from.Names(), c.Name) {
		return plan.Item{}, false
	}
	for _, it := range p.sel.Items {
		if it.Alias != "" && strings.ToLower(it.Alias) == c.Name {
			return it, true
		}
	}
	return plan.Item{}, false
}

// columnKey makes a key of a bound column. The domain of the tenant's name are
// the tenants that are queried: which they are is public.
func (p *planning) columnKey(c *plan.Column) (plan.Key, error) {
	col, err := p.column(c)
	if err != nil {
		return plan.Key{}, err
	}
	if col.Role == contract.RoleMeasure {
		return p.expressionKey(c)
	}
	k := plan.Key{Column: col.Name, Type: col.Type, Domain: col.Domain}
	if c.Qualifier != "" { // two tables may have columns of this name
		k.Column, k.Expr = plan.Print(c), c
	}
	if isTenant(c) {
		k.Domain = names(p.out.Tenants)
	}
	return k, nil
}

// keyIndex returns the index of the key that a bound expression over rows is;
// −1 when it is none.
func (p *planning) keyIndex(e plan.Expr) int {
	column, ok := p.keyOf[plan.Print(e)]
	if !ok {
		return -1
	}
	return slices.IndexFunc(p.out.Keys, func(k plan.Key) bool { return k.Column == column })
}

// keyExpression recognises an expression of GROUP BY where it is written again.
// Binding one tells about its operands too, so that each node is bound once
// however deeply it is nested.
func (p *planning) keyExpression(e plan.Expr) (plan.Expr, bool) {
	if len(plan.Children(e)) == 0 || !slices.ContainsFunc(p.out.Keys, func(k plan.Key) bool { return k.Expr != nil }) {
		return nil, false
	}
	i, known := p.keyAt[e]
	if !known {
		b := p.row("GROUP BY")
		b.After = func(written, bound plan.Expr, err error) {
			p.keyAt[written] = -1
			if err == nil {
				p.keyAt[written] = p.keyIndex(bound)
			}
		}
		_, _ = b.Bind(e) // an aggregate, for one, cannot be
		i = p.keyAt[e]
	}
	return &plan.KeyRef{Index: i}, i >= 0
}

func names(tenants []string) []plan.Value {
	out := make([]plan.Value, len(tenants))
	for i, n := range tenants {
		out[i] = plan.StringValue(n)
	}
	return out
}
