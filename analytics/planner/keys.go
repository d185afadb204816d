package planner

import (
	"cmp"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
)

// keys resolves GROUP BY. Keys are sorted by name, so that their order in the
// text makes no other release.
func (p *planning) keys() error {
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

// key resolves one expression of GROUP BY: a column, the position or the alias
// of an item that is one.
func (p *planning) key(g plan.Expr) (plan.Key, error) {
	switch e := g.(type) {
	case *plan.Literal:
		item, ok := p.item(e)
		if !ok {
			return plan.Key{}, refuse(e.Pos, "this constant in GROUP BY is not permitted").Suggest("name a column, or give the position of an item of the SELECT list")
		}
		if c, ok := item.Expr.(*plan.Column); ok {
			return p.dimension(c)
		}
		return plan.Key{}, p.notAKey(item.Expr)
	case *plan.Column:
		if item, ok := p.itemByAlias(e); ok {
			if c, ok := item.Expr.(*plan.Column); ok {
				return p.dimension(c)
			}
			return plan.Key{}, p.notAKey(item.Expr)
		}
		return p.dimension(e)
	default:
		return plan.Key{}, p.notAKey(g)
	}
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
	if c.Qualifier != "" || slices.Contains(p.columnNames(), c.Name) {
		return plan.Item{}, false
	}
	for _, it := range p.sel.Items {
		if it.Alias != "" && strings.ToLower(it.Alias) == c.Name {
			return it, true
		}
	}
	return plan.Item{}, false
}

func (p *planning) notAKey(e plan.Expr) error {
	aggregate := false
	plan.Walk(e, func(e plan.Expr) bool {
		_, is := e.(*plan.Aggregate)
		aggregate = aggregate || is
		return true
	})
	if aggregate {
		return refuse(plan.PosOf(e), "an aggregate in GROUP BY is not permitted").Suggest("GROUP BY dimensions of the dataset")
	}
	return refuse(plan.PosOf(e), "GROUP BY an expression is not permitted").Suggest("GROUP BY a dimension of the dataset: %s", listed(p.dimensions()))
}

func (p *planning) dimensions() []string {
	var names []string
	for _, c := range p.c.Columns {
		if c.Role == contract.RoleDimension {
			names = append(names, c.Name)
		}
	}
	if p.c.TenantDimension {
		names = append(names, plan.TenantColumn)
	}
	return names
}

// dimension makes a key of a column. The domain of the tenant's name are the
// tenants that are queried: which they are is public.
func (p *planning) dimension(c *plan.Column) (plan.Key, error) {
	col, err := p.column(c)
	if err != nil {
		return plan.Key{}, err
	}
	switch {
	case col.Name == p.c.Unit.Column:
		return plan.Key{}, p.unitMisused(c.Pos, "in GROUP BY")
	case col.Role != contract.RoleDimension:
		return plan.Key{}, refuse(c.Pos, "GROUP BY the measure %q is not permitted", col.Name).Suggest("GROUP BY a dimension of the dataset: %s", listed(p.dimensions()))
	}
	k := plan.Key{Column: col.Name, Type: col.Type, Domain: col.Domain}
	if col.Name == plan.TenantColumn {
		for _, t := range p.out.Tenants {
			k.Domain = append(k.Domain, plan.StringValue(t))
		}
	}
	return k, nil
}

// keyOf returns the index of a column among the keys.
func (p *planning) keyOf(name string) int {
	return slices.IndexFunc(p.out.Keys, func(k plan.Key) bool { return k.Column == name })
}
