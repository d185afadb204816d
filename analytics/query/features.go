package query

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
func (s *Service) features(ctx context.Context, by privacy.Principal, p *prepared) error {
	if s.Features == nil {
		return nil
	}
	b := p.priced.Plan
	if len(b.Tenants) > 1 {
		if off, ok := s.off(ctx, flags.JointQueries, by, p); ok {
			return privacy.Errorf(privacy.CodeForbidden, "queries over several tenants are switched off for tenant %q in dataset %q", off, p.dataset.Name).
				Suggest("ask one tenant at a time, or leave that one out: \"tenants\"")
		}
	}
	if b.Scope == plan.ScopePerson {
		if off, ok := s.off(ctx, flags.PersonScope, by, p); ok {
			return privacy.Errorf(privacy.CodeForbidden, "queries that take a person in several tenants for one are switched off for tenant %q in dataset %q", off, p.dataset.Name)
		}
	}
	return nil
}

// mayShare refuses to show a stored answer to a principal who has not seen it, where
// answers are not shared. Whoever paid for it has seen it.
func (s *Service) mayShare(ctx context.Context, by privacy.Principal, c release.Core, p *prepared) error {
	if s.Features == nil {
		return nil
	}
	off, ok := s.off(ctx, flags.SharedReleases, by, p)
	if !ok {
		return nil
	}
	if _, err := s.Store.Read(ctx, by.ID, c.ID); privacy.CodeOf(err) != privacy.CodeNotFound {
		return err
	}
	return privacy.Errorf(privacy.CodeForbidden, "this was answered to another principal, and sharing answers is switched off for tenant %q in dataset %q", off, p.dataset.Name).
		Suggest("ask something else, or in another way: that is another answer, with a price of its own")
}

// off returns the first tenant of a plan for which a flag is off.
func (s *Service) off(ctx context.Context, flag string, by privacy.Principal, p *prepared) (tenant string, found bool) {
	for _, tenant := range p.priced.Plan.Tenants {
		if !s.Features.On(ctx, flag, flags.Scope{Tenant: tenant, Dataset: p.dataset.Name, Principal: by.ID}) {
			return tenant, true
		}
	}
	return "", false
}
