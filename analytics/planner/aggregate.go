package planner

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
)

// wanted is an aggregate that the query asks for, before draws are shared.
type wanted struct {
	fn      plan.AggFunc
	filter  plan.Expr    // FILTER; nil for none
	value   plan.Expr    // what is summed, or counted where it is not NULL; nil for rows and units
	quantum plan.Quantum // of sums, uncentred
}

// input identifies the rows and values that an aggregate is of.
func (w wanted) input() string { return plan.Print(w.value) + "|" + plan.Print(w.filter) }

// wantedIndex returns the index of an aggregate among those of the plan; equal
// ones are one.
func (p *planning) wantedIndex(w wanted) int {
	text := fmt.Sprintf("%d|%s", w.fn, w.input())
	if i, ok := p.wantedAt[text]; ok {
		return i
	}
	if p.wantedAt == nil {
		p.wantedAt = map[string]int{}
	}
	p.wantedAt[text] = len(p.wanted)
	p.wanted = append(p.wanted, w)
	return len(p.wanted) - 1
}

// want checks one aggregate call.
func (p *planning) want(a *plan.Aggregate) (wanted, error) {
	switch a.Func {
	case "count", "sum", "avg":
	default:
		return wanted{}, refuse(a.Pos, "the aggregate %s is not permitted", shorten(a.Func)).Suggest("use COUNT, SUM or AVG")
	}
	w := wanted{}
	if a.Filter != nil {
		filter, err := p.condition(a.Filter, "FILTER")
		if err != nil {
			return w, err
		}
		w.filter = filter
	}
	var err error
	switch {
	case a.Star:
		w.fn = plan.AggCount
		if a.Distinct {
			err = refuse(a.Pos, "COUNT(DISTINCT *) is not permitted").Suggest("use COUNT(DISTINCT %s)", p.c.Unit.Column)
		}
	case len(a.Args) != 1:
		err = refuse(a.Pos, "%s with %d arguments is not permitted", strings.ToUpper(a.Func), len(a.Args)).Suggest("give it one")
	case a.Func == "count":
		w, err = p.wantCount(a, w)
	case a.Distinct:
		err = refuse(a.Pos, "%s(DISTINCT …) is not permitted", strings.ToUpper(a.Func)).Suggest("use %s(…) without DISTINCT", strings.ToUpper(a.Func))
	default:
		w, err = p.wantSum(a, w)
	}
	return w, err
}

// wantCount checks COUNT(x) and COUNT(DISTINCT unit).
func (p *planning) wantCount(a *plan.Aggregate, w wanted) (wanted, error) {
	c, bare := a.Args[0].(*plan.Column)
	if bare {
		col, err := p.column(c)
		if err != nil {
			return w, err
		}
		switch isUnit := col.Name == p.c.Unit.Column; {
		case isUnit && a.Distinct:
			w.fn = plan.AggUnits
			return w, nil
		case isUnit:
			return w, refuse(a.Pos, "COUNT of the privacy unit without DISTINCT is not permitted").
				Suggest("use COUNT(*) for rows, COUNT(DISTINCT %s) for units", col.Name)
		}
	}
	if a.Distinct {
		return w, refuse(a.Pos, "COUNT(DISTINCT …) of anything but the privacy unit is not permitted").Suggest("use COUNT(DISTINCT %s)", p.c.Unit.Column)
	}
	w.fn = plan.AggCount
	b := p.row("COUNT")
	e, err := b.bind(a.Args[0])
	if err != nil {
		return w, err
	}
	if lit, ok := e.(*plan.Literal); ok {
		if lit.Value.Null {
			return w, refuse(a.Pos, "COUNT(NULL) is not permitted").Suggest("use COUNT(*)")
		}
		return w, nil
	}
	if isTenant(e) { // never NULL
		return w, nil
	}
	w.value = e
	return w, nil
}

// wantSum checks SUM and AVG, and how values become integers.
func (p *planning) wantSum(a *plan.Aggregate, w wanted) (wanted, error) {
	w.fn = plan.AggSum
	if a.Func == "avg" {
		w.fn = plan.AggAvg
	}
	name := strings.ToUpper(a.Func)
	b := p.row(name)
	e, err := b.bind(a.Args[0])
	if err != nil {
		return w, err
	}
	t := b.kind(e)
	switch _, constant := e.(*plan.Literal); {
	case t.Kind == plan.KindBoolean:
		return w, refuse(a.Pos, "%s of a condition is not permitted", name).Suggest("use COUNT(*) FILTER (WHERE …)")
	case !t.IsNumeric():
		return w, refuse(a.Pos, "%s of a value of type %s is not permitted", name, t).Suggest("use it on a measure: %s", listed(p.measures()))
	case constant:
		return w, refuse(a.Pos, "%s of a constant is not permitted", name).Suggest("use COUNT(*)")
	}
	w.value = e
	if c, ok := e.(*plan.Column); ok {
		col, _ := p.c.Column(c.Name)
		if col.Role != contract.RoleMeasure {
			return w, p.noBounds(c, name)
		}
		w.quantum, err = p.quantum(col)
		return w, err
	}
	w.quantum, err = p.expressionQuantum(e, name)
	return w, err
}

func (p *planning) noBounds(c *plan.Column, place string) error {
	return refuse(c.Pos, "%s of %q is not permitted: it is a dimension and has no bounds", place, c.Name).Suggest("use a measure: %s", listed(p.measures()))
}

func (p *planning) measures() []string {
	var names []string
	for _, c := range p.c.Columns {
		if c.Role == contract.RoleMeasure {
			names = append(names, c.Name)
		}
	}
	return names
}
