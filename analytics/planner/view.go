package planner

import (
	"strings"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/analytics/sources"
)

// viewBinder returns the binder of what is computed after the noise.
func (p *planning) viewBinder(place string) *binding.Binder {
	b := &binding.Binder{Place: place, View: true}
	b.Column = func(c *plan.Column) (plan.Expr, error) { return p.groupedColumn(c, place) }
	b.Aggregate = func(a *plan.Aggregate) (plan.Expr, error) {
		w, err := p.want(a)
		if err != nil {
			return nil, err
		}
		i := p.wantedIndex(w)
		if i >= MaxDraws {
			return nil, p.tooManyAggregates(a.Pos)
		}
		return &plan.AggRef{Index: i}, nil
	}
	b.TypeOf = p.typeOfRef
	b.Known = p.keyExpression
	return b
}

// typeOfRef returns the type of a reference for checking. A sum may be whole
// or decimal; to arithmetic both are numbers.
func (p *planning) typeOfRef(e plan.Expr) plan.Type {
	switch e := e.(type) {
	case *plan.KeyRef:
		return p.out.Keys[e.Index].Type
	case *plan.AggRef:
		switch p.wanted[e.Index].fn {
		case plan.AggCount, plan.AggUnits, plan.AggDistinct:
			return plan.Of(plan.KindBigint)
		default:
		}
	default:
	}
	return plan.Of(plan.KindDouble)
}

// groupedColumn resolves a name in a view: a key.
func (p *planning) groupedColumn(c *plan.Column, place string) (plan.Expr, error) {
	s, col, err := p.from.Resolve(c)
	if err != nil {
		return nil, err
	}
	if i := p.keyIndex(sources.Bound(s, col, c.Pos)); i >= 0 {
		return &plan.KeyRef{Index: i}, nil
	}
	if err := p.readable(s, col, c.Pos, "in "+place); err != nil {
		return nil, err
	}
	if col.Role == contract.RoleMeasure {
		return nil, refusal.New(c.Pos, "the column %q outside an aggregate is not permitted in %s", col.Name, place).
			Suggest("use AVG(%s), SUM(%s) or COUNT(%s)", col.Name, col.Name, col.Name)
	}
	return nil, refusal.New(c.Pos, "the column %q in %s is not permitted without GROUP BY", col.Name, place).Suggest("add GROUP BY %s", col.Name)
}

// bindView binds an expression over noised values and counts its nodes.
func (p *planning) bindView(b *binding.Binder, e plan.Expr) (plan.Expr, error) {
	x, err := b.Bind(e)
	if err != nil {
		return nil, err
	}
	plan.Walk(x, func(plan.Expr) bool {
		p.viewNodes++
		return p.viewNodes <= maxViewNodes
	})
	if p.viewNodes > maxViewNodes {
		return nil, refusal.New(plan.PosOf(e), "a query with this many expressions is not permitted").Suggest("ask for fewer columns")
	}
	return x, nil
}

// outputs binds the SELECT list.
func (p *planning) outputs() error {
	b := p.viewBinder("the SELECT list")
	uses := false
	for _, it := range p.sel.Items {
		e, err := p.bindView(b, it.Expr)
		if err != nil {
			return err
		}
		plan.Walk(e, func(e plan.Expr) bool {
			_, lit := e.(*plan.Literal)
			uses = uses || !lit && len(plan.Children(e)) == 0
			return true
		})
		if canon.IsNull(e) {
			return refusal.New(it.Pos, "a column of NULL is not permitted").Suggest("leave it out")
		}
		p.out.Outputs = append(p.out.Outputs, plan.Output{Expr: e})
	}
	if !uses {
		return refusal.New(p.sel.Items[0].Pos, "a query of constants alone is not permitted").Suggest("add an aggregate, for example COUNT(*)")
	}
	return p.nameOutputs()
}

// having binds HAVING, in which an alias stands for its output unless a column
// has that name.
func (p *planning) having() error {
	if p.sel.Having == nil {
		return nil
	}
	b := p.viewBinder("HAVING")
	b.Column = p.orAlias(b.Column, func(i int) plan.Expr { return p.out.Outputs[i].Expr })
	e, err := p.bindView(b, p.sel.Having)
	if err != nil {
		return err
	}
	if e, err = b.Boolean(e); err != nil {
		return refusal.Located(err, plan.PosOf(p.sel.Having))
	}
	p.out.Having = canon.Conjunction(canon.Conjuncts(e))
	return nil
}

// orAlias resolves names that no column has as aliases.
func (p *planning) orAlias(column func(*plan.Column) (plan.Expr, error), output func(int) plan.Expr) func(*plan.Column) (plan.Expr, error) {
	return func(c *plan.Column) (plan.Expr, error) {
		if _, isAlias := p.itemByAlias(c); isAlias {
			if i, ok := p.aliases[strings.ToLower(c.Name)]; ok {
				return output(i), nil
			}
		}
		return column(c)
	}
}

// orderBy binds ORDER BY: a position, an alias (which goes before a column
// here), or an expression.
func (p *planning) orderBy() error {
	p.out.Limit, p.out.Offset = p.sel.Limit, p.sel.Offset
	b := p.viewBinder("ORDER BY")
	b.Column = p.orAlias(b.Column, func(i int) plan.Expr { return &plan.OutputRef{Index: i} })
	b.TypeOf = func(e plan.Expr) plan.Type {
		if o, ok := e.(*plan.OutputRef); ok {
			return b.Kind(p.out.Outputs[o.Index].Expr)
		}
		return p.typeOfRef(e)
	}
	for _, o := range p.sel.OrderBy {
		e, err := p.orderKey(b, o.Expr)
		if err != nil {
			return err
		}
		p.out.OrderBy = append(p.out.OrderBy, plan.Order{Expr: e, Desc: o.Desc, NullsFirst: o.NullsFirst})
	}
	return nil
}

func (p *planning) orderKey(b *binding.Binder, e plan.Expr) (plan.Expr, error) {
	switch e := e.(type) {
	case *plan.Literal:
		if _, ok := p.item(e); !ok {
			return nil, refusal.New(e.Pos, "this constant in ORDER BY is not permitted").Suggest("name a column, or give the position of an item of the SELECT list")
		}
		return &plan.OutputRef{Index: int(e.Value.Int - 1)}, nil
	case *plan.Column:
		if i, ok := p.aliases[strings.ToLower(e.Name)]; ok && e.Qualifier == "" {
			return &plan.OutputRef{Index: i}, nil
		}
	default:
	}
	return p.bindView(b, e)
}
