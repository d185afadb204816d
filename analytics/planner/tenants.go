package planner

import (
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/privacy"
)

// tenants takes the tenants that were asked for. Membership is public to
// analysts.
func (p *planning) tenants() error {
	p.out.Tenants = slices.Clone(p.ds.Members)
	slices.Sort(p.out.Tenants)
	if p.req.Tenants == nil {
		return p.someTenant(0)
	}
	asked := make(map[string]bool, len(p.req.Tenants))
	for _, t := range p.req.Tenants {
		asked[t] = true
		if _, member := slices.BinarySearch(p.out.Tenants, t); !member {
			return privacy.Errorf(privacy.CodeQueryNotPermitted, "tenant %q is not an active member of dataset %q", t, p.c.Dataset).
				Suggest("leave \"tenants\" out to query all members, or name some of: %s", refusal.Listed(p.out.Tenants))
		}
	}
	p.out.Tenants = slices.DeleteFunc(p.out.Tenants, func(t string) bool { return !asked[t] })
	return p.someTenant(0)
}

func (p *planning) someTenant(at plan.Pos) error {
	if len(p.out.Tenants) > 0 {
		return nil
	}
	if len(p.ds.Members) == 0 {
		return refusal.New(at, "dataset %q has no active member", p.c.Dataset)
	}
	return refusal.New(at, "this query selects no tenant").Suggest("name some of: %s", refusal.Listed(p.ds.Members))
}

// filter binds WHERE. Conditions on the tenant alone are decided here: they
// narrow the set of tenants that are touched and charged, and their rows are
// not read at all.
func (p *planning) filter() error {
	if p.sel.Where == nil {
		return nil
	}
	e, err := p.condition(p.sel.Where, "WHERE")
	if err != nil {
		return err
	}
	var kept []plan.Expr
	for _, c := range canon.Conjuncts(e) {
		if !onTenantOnly(c) {
			kept = append(kept, c)
			continue
		}
		p.out.Tenants = slices.DeleteFunc(p.out.Tenants, func(t string) bool { return !tenantPasses(c, t) })
	}
	p.out.Filter = canon.Conjunction(kept)
	return p.someTenant(plan.PosOf(p.sel.Where))
}

// onTenantOnly reports whether tenantPasses can decide a condition.
func onTenantOnly(e plan.Expr) bool {
	switch e := e.(type) {
	case *plan.Call:
		switch e.Func {
		case "and", "or", "not":
			return !slices.ContainsFunc(e.Args, func(a plan.Expr) bool { return !onTenantOnly(a) })
		case "=", "<>":
			lit, ok := e.Args[1].(*plan.Literal)
			return ok && !lit.Value.Null && isTenant(e.Args[0])
		}
	case *plan.In:
		return isTenant(e.Arg)
	default:
	}
	return false
}

func isTenant(e plan.Expr) bool {
	c, ok := e.(*plan.Column)
	return ok && c.Name == plan.TenantColumn
}

// tenantPasses evaluates a condition that onTenantOnly accepts. The tenant's
// name is never NULL, so that two values of logic are enough.
func tenantPasses(e plan.Expr, tenant string) bool {
	is := func(e plan.Expr) bool { return e.(*plan.Literal).Value.Str == tenant }
	switch e := e.(type) {
	case *plan.In:
		return slices.ContainsFunc(e.List, is) != e.Not
	case *plan.Call:
		passes := func(a plan.Expr) bool { return tenantPasses(a, tenant) }
		switch e.Func {
		case "=":
			return is(e.Args[1])
		case "<>":
			return !is(e.Args[1])
		case "not":
			return !passes(e.Args[0])
		case "or":
			return slices.ContainsFunc(e.Args, passes)
		case "and":
			return !slices.ContainsFunc(e.Args, func(a plan.Expr) bool { return !passes(a) })
		}
	default:
	}
	return false
}
