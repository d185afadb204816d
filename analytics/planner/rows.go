package planner

import (
	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/ranges"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/analytics/sources"
)

// row returns the binder of expressions over rows.
func (p *planning) row(place string) *binding.Binder {
	b := &binding.Binder{Place: place}
	b.Column = func(c *plan.Column) (plan.Expr, error) {
		s, col, err := p.from.Resolve(c)
		if err != nil {
			return nil, err
		}
		if err := p.readable(s, col, c.Pos, "in "+place); err != nil {
			return nil, err
		}
		return sources.Bound(s, col, c.Pos), nil
	}
	b.Aggregate = func(a *plan.Aggregate) (plan.Expr, error) {
		err := refusal.New(a.Pos, "an aggregate in %s is not permitted", place)
		if place == "WHERE" {
			return nil, err.Suggest("use HAVING, which is computed on the noised values")
		}
		return nil, err.Suggest("aggregate columns, and combine the results outside, for example SUM(a) / COUNT(*)")
	}
	return b
}

// readable refuses columns that no expression may read: they identify people,
// or what belongs to them.
func (p *planning) readable(s *sources.Source, col contract.Column, at plan.Pos, where string) error {
	switch {
	case p.from.IsUnit(s, col):
		return refusal.New(at, "the privacy unit %q is not permitted %s", col.Name, where).
			Suggest("use it as COUNT(DISTINCT %s) only", col.Name)
	case col.Role == contract.RoleKey:
		return refusal.New(at, "the key %q is not permitted %s", col.Name, where).
			Suggest("keys are for joining only")
	}
	return nil
}

// condition binds a filter over rows. Where a filter is NULL it does not pass.
func (p *planning) condition(e plan.Expr, place string) (plan.Expr, error) {
	x, err := p.row(place).Condition(e)
	if err != nil {
		return nil, err
	}
	return canon.Conjunction(canon.Conjuncts(x)), nil
}

// known is what the ranges of expressions follow from.
type known struct{ p *planning }

// Measures implements ranges.Columns.
func (k known) Measures() []string { return k.p.measures() }

// Column implements ranges.Columns. The domain of the tenant's name are the
// tenants that are queried: which they are is public.
func (k known) Column(c *plan.Column) ranges.Column {
	if isTenant(c) {
		return ranges.Column{Domain: names(k.p.out.Tenants), Given: true}
	}
	col, err := k.p.column(c)
	switch {
	case err != nil: // it has been bound
		return ranges.Column{}
	case col.Role == contract.RoleMeasure:
		return ranges.Column{Measure: true, Bounds: k.p.bounds(col), Scale: col.Resolution.Scale}
	default:
		return ranges.Column{Domain: col.Domain, Private: col.Role == contract.RoleDimension && col.Private}
	}
}
