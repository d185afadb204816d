package question

import (
	"context"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/flags"
)

// Features tells which features that reach across tenants are on.
type Features interface {
	On(ctx context.Context, flag string, scope flags.Scope) bool
}

// features refuses what is switched off for a tenant that a plan touches. It comes
// before any charge, and follows from names.
func (p *Preparer) features(ctx context.Context, by privacy.Principal, q *Prepared) error {
	if p.Features == nil {
		return nil
	}
	b := q.Priced.Plan
	if len(b.Tenants) > 1 {
		if off, ok := p.off(ctx, flags.JointQueries, by, q); ok {
			return privacy.Errorf(privacy.CodeForbidden, "queries over several tenants are switched off for tenant %q in dataset %q", off, q.Dataset.Name).
				Suggest("ask one tenant at a time, or leave that one out: \"tenants\"")
		}
	}
	if b.Scope == plan.ScopePerson {
		if off, ok := p.off(ctx, flags.PersonScope, by, q); ok {
			return privacy.Errorf(privacy.CodeForbidden, "queries that take a person in several tenants for one are switched off for tenant %q in dataset %q", off, q.Dataset.Name)
		}
	}
	return nil
}

// MayShare refuses to show a stored answer to a principal who has not seen it, where
// answers are not shared. Whoever paid for it has seen it.
func (p *Preparer) MayShare(ctx context.Context, by privacy.Principal, c release.Core, q *Prepared) error {
	if p.Features == nil {
		return nil
	}
	off, ok := p.off(ctx, flags.SharedReleases, by, q)
	if !ok {
		return nil
	}
	if _, err := p.Store.Read(ctx, by.ID, c.ID); privacy.CodeOf(err) != privacy.CodeNotFound {
		return err
	}
	return privacy.Errorf(privacy.CodeForbidden, "this was answered to another principal, and sharing answers is switched off for tenant %q in dataset %q", off, q.Dataset.Name).
		Suggest("ask something else, or in another way: that is another answer, with a price of its own")
}

// off returns the first tenant of a plan for which a flag is off.
func (p *Preparer) off(ctx context.Context, flag string, by privacy.Principal, q *Prepared) (tenant string, found bool) {
	for _, tenant := range q.Priced.Plan.Tenants {
		if !p.Features.On(ctx, flag, flags.Scope{Tenant: tenant, Dataset: q.Dataset.Name, Principal: by.ID}) {
			return tenant, true
		}
	}
	return "", false
}
