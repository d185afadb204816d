package planner

import (
	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

// row returns the binder of expressions over rows.
func (p *planning) row(place string) *binding.Binder {
	b := &binding.Binder{Place: place}
	b.Column = func(c *plan.Column) (plan.Expr, error) {
		s, col, err := p.resolve(c)
		if err != nil {
			return nil, err
		}
		if err := p.readable(s, col, c.Pos, "in "+place); err != nil {
			return nil, err
		}
		return bound(s, col, c.Pos), nil
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
func (p *planning) readable(s *source, col contract.Column, at plan.Pos, where string) error {
	switch {
	case p.isUnit(s, col):
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
