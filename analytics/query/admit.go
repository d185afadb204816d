package query

import (
	"context"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy"
)

// Quotas tells what a tenant may use.
type Quotas interface {
	Of(ctx context.Context, tenant string) (quota.Limits, error)
}

// enter counts a query of a principal, or refuses it when as many as its tenant may
// have are under way: before it is read, and so before anything is charged.
// Principals of no tenant are each held to the default.
func (s *Service) enter(ctx context.Context, p privacy.Principal) (context.Context, func(), error) {
	limits := quota.None()
	if s.quotas != nil {
		var err error
		if limits, err = s.quotas.Of(ctx, p.Tenant); err != nil {
			return nil, nil, err
		}
	}
	inside, leave, ok := s.gate.Enter(ctx, turns.Who{Tenant: p.Tenant, Principal: p.ID}, limits[quota.Queries])
	if !ok {
		return nil, nil, limits.Exceeded(quota.Queries)
	}
	return inside, leave, nil
}
