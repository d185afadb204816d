package query

import (
	"context"
	"errors"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
)

// Releases lists the releases that the principal asked for, newest first.
func (s *Service) Releases(ctx context.Context, p privacy.Principal, cursor string, limit int) ([]release.Release, string, error) {
	if err := mayQuery(p); err != nil {
		return nil, "", err
	}
	return s.Store.List(ctx, p.ID, cursor, limit)
}

// Release returns one of the principal's releases, as the view that the
// principal asked for first. It is free.
func (s *Service) Release(ctx context.Context, p privacy.Principal, id string) (*Answer, error) {
	if err := mayQuery(p); err != nil {
		return nil, err
	}
	reading, err := s.Store.Read(ctx, p.ID, id)
	if err != nil {
		return nil, err
	}
	if err := s.Containment.Check(ctx, containment.Touches{Principal: p, Dataset: reading.Dataset}); err != nil {
		return nil, err
	}
	answer, err := fromReading(reading)
	if err != nil {
		return nil, err
	}
	answer.Cached = true
	return answer, nil
}

// Recover redeems the charges that a crash or a restart left pending. It
// returns when each has been tried once; those that fail stay redeemable.
func (s *Service) Recover(ctx context.Context) error {
	pending, err := s.Ledger.Pending(ctx)
	if err != nil {
		return err
	}
	for _, charge := range pending {
		prep, err := s.again(ctx, charge)
		if err == nil {
			_, err = s.redeemed(ctx, charge, prep)
		}
		if residency.Refused(err) != nil {
			continue // a server of those regions finishes it
		}
		if err != nil {
			if containment.Is(err) { // it waits until that is lifted
				continue
			}
			s.Log.Warn("a pending charge could not be redeemed", "charge", charge.ID, "dataset", charge.Dataset, "code", privacy.CodeOf(err))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		s.Log.Info("redeemed a pending charge", "charge", charge.ID, "dataset", charge.Dataset)
	}
	return nil
}

// again prepares the request of a charge anew, on the generations that are
// current now. The charge pays for one release of exactly the core that was
// priced: if the contract has changed so that the same text means another core,
// the charge cannot be redeemed any more.
func (s *Service) again(ctx context.Context, charge ledger.Charge) (*prepared, error) {
	was, err := s.request(ctx, charge)
	if err != nil {
		return nil, err
	}
	payer := privacy.Principal{ID: charge.Principal, Role: privacy.RoleAnalyst, Tenant: was.Tenant}
	if err := s.Containment.Check(ctx, containment.Touches{Dataset: charge.Dataset, Tenants: charge.Tenants}); err != nil {
		return nil, err
	}
	request := was.Request
	request.Tenants = charge.Tenants
	prep, err := s.prepareAgain(ctx, request, charge.Loss)
	if err != nil {
		return nil, err
	}
	if prep.core != was.Core || !prep.priced.Cost.Within(charge.Cost) {
		return nil, privacy.Internal(errors.New("the contract or its members changed since the charge"), charge.ID)
	}
	prep.policy, prep.asker = was.Policy, payer
	return prep, nil
}
