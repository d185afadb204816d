package redeem

import (
	"context"
	"errors"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
)

// Recover redeems the charges that a crash or a restart left pending. It
// returns when each has been tried once; those that fail stay redeemable.
func (r *Redeemer) Recover(ctx context.Context) error {
	pending, err := r.Ledger.Pending(ctx)
	if err != nil {
		return err
	}
	for _, charge := range pending {
		prep, err := r.Again(ctx, charge)
		if err == nil {
			_, err = r.Redeem(ctx, charge, prep, false)
		}
		if residency.Refused(err) != nil {
			continue // a server of those regions finishes it
		}
		if err != nil {
			if containment.Is(err) { // it waits until that is lifted
				continue
			}
			r.Log.Warn("a pending charge could not be redeemed", "charge", charge.ID, "dataset", charge.Dataset, "code", privacy.CodeOf(err))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		r.Log.Info("redeemed a pending charge", "charge", charge.ID, "dataset", charge.Dataset)
	}
	return nil
}

// Again prepares the request of a charge anew, on the generations that are
// current now. The charge pays for one release of exactly the core that was
// priced: if the contract has changed so that the same text means another core,
// the charge cannot be redeemed any more.
func (r *Redeemer) Again(ctx context.Context, charge ledger.Charge) (*question.Prepared, error) {
	was, err := r.Book.Open(ctx, charge)
	if err != nil {
		return nil, err
	}
	payer := privacy.Principal{ID: charge.Principal, Role: privacy.RoleAnalyst, Tenant: was.Tenant}
	if err := r.Containment.Check(ctx, containment.Touches{Dataset: charge.Dataset, Tenants: charge.Tenants}); err != nil {
		return nil, err
	}
	request := was.Request
	request.Tenants = charge.Tenants
	prep, err := r.Questions.PrepareAgain(ctx, request, charge.Loss)
	if err != nil {
		return nil, err
	}
	if prep.Core != was.Core || !prep.Priced.Cost.Within(charge.Cost) {
		return nil, privacy.Internal(errors.New("the contract or its members changed since the charge"), charge.ID)
	}
	prep.Policy, prep.Asker = was.Policy, payer
	return prep, nil
}
