package query

import (
	"context"
	"errors"
	"slices"

	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/redeem"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
)

// Query answers a request with one release: the stored one where there is one,
// else a new one that every touched account pays for.
//
// When ctx ends early the charge is still redeemed in the background, and
// asking again returns its release. Errors: CodeForbidden for anyone but an
// analyst and for what the policies deny, CodeRateLimited when its tenant has as many queries under way as it may, what the parser and planner refuse, CodeBudgetExhausted with a
// *ledger.Exhausted cause, CodeIdempotencyMismatch, CodeUnavailable when the
// answer is not ready in time. Of an error, Unpaid tells whether its time may
// depend on rows.
func (s *Service) Query(ctx context.Context, p privacy.Principal, r question.Request) (*showing.Answer, error) {
	if err := mayQuery(p); err != nil {
		return nil, Refusal(err)
	}
	ctx, leave, err := s.enter(ctx, p)
	if err != nil {
		return nil, Refusal(err)
	}
	defer leave()
	if r.IdempotencyKey != "" {
		out, found, err := s.earlier(ctx, p, r)
		if found || err != nil {
			return out, err
		}
	}
	prep, err := s.questions.Prepare(ctx, p, r)
	if err != nil {
		return nil, Refusal(err)
	}
	core, stored, err := s.store.ByKey(ctx, prep.Key)
	if err != nil {
		return nil, err
	}
	if stored && r.IdempotencyKey == "" {
		return s.serve(ctx, p, core, prep)
	}
	prep, charge, err := s.charge(ctx, p, r, prep) // of a stored core: debits nothing, and binds the Idempotency-Key
	if err != nil {
		return nil, Refusal(err)
	}
	if charge.Key != prep.Key {
		// The Idempotency-Key was charged for something else since it was looked
		// up. That charge must never pay for this question.
		out, _, err := s.earlier(ctx, p, r)
		return out, err
	}
	if charge.Existing {
		if core, err = s.redeemer.Settled(ctx, p, charge.Key); err != nil {
			return nil, err
		}
		return s.serve(ctx, p, core, prep)
	}
	done, err := s.redeemer.Redeem(ctx, charge, prep, true)
	if err != nil {
		return nil, err
	}
	if done.Shown != nil {
		return done.Shown, nil
	}
	return showing.Stored(done.Core, prep)
}

// mayQuery admits analysts only: the operator runs the service and never
// queries, and the other roles have no business with answers.
func mayQuery(p privacy.Principal) error {
	if p.Is(privacy.RoleAnalyst) {
		return nil
	}
	return privacy.Errorf(privacy.CodeForbidden, "only an analyst may query; this key has the role %s", p.Role)
}

// earlier answers a repeated Idempotency-Key from the charge that its first use
// made.
func (s *Service) earlier(ctx context.Context, p privacy.Principal, r question.Request) (*showing.Answer, bool, error) {
	charge, ok, err := s.book.ChargeOf(ctx, p, r.IdempotencyKey)
	if err != nil || !ok {
		return nil, false, err
	}
	was, err := s.book.Open(ctx, charge)
	if err != nil {
		return nil, true, err
	}
	now, err := r.Fingerprint()
	if err != nil {
		return nil, true, err
	}
	if now != was.Fingerprint {
		return nil, true, privacy.Errorf(privacy.CodeIdempotencyMismatch, "this Idempotency-Key was used with another request")
	}
	if err := s.containment.Check(ctx, containment.Touches{Principal: p, Dataset: charge.Dataset}); err != nil {
		return nil, true, err
	}
	if charge.State == ledger.StateAbandoned {
		return nil, true, privacy.Internal(redeem.ErrAbandoned, charge.ID)
	}
	core, err := s.redeemer.Settled(ctx, p, charge.Key)
	if err != nil {
		return nil, true, err
	}
	out, err := s.replay(ctx, p, r.As(), core, charge)
	return out, true, err
}

// replay answers a repeated request with the view that it asked for, whatever
// became of the contract since, if the policies still permit it.
func (s *Service) replay(ctx context.Context, p privacy.Principal, operation string, core release.Core, charge ledger.Charge) (*showing.Answer, error) {
	reading, readErr := s.store.Read(ctx, p.ID, core.ID)
	prep, err := s.redeemer.Again(ctx, charge)
	if err == nil {
		if denied := s.questions.Permit(ctx, p, operation, prep); denied != nil {
			return nil, denied // as late as an answer: it may have waited for a run
		}
	}
	switch {
	case err == nil && readErr == nil:
		return showing.Stored(core, prep)
	case err == nil: // bound to a charge, but not served yet
		return s.serve(ctx, p, core, prep)
	case readErr == nil:
		return showing.Read(reading)
	default:
		return nil, err
	}
}

// charge debits every account of the request, dropping exhausted tenants if the
// caller asked for that. It returns the request as it was charged; sent is how it
// came.
func (s *Service) charge(ctx context.Context, p privacy.Principal, sent question.Request, prep *question.Prepared) (*question.Prepared, ledger.Charge, error) {
	asked, err := sent.Fingerprint()
	if err != nil {
		return nil, ledger.Charge{}, err
	}
	for {
		req, err := s.ledgerRequest(ctx, p, prep, asked)
		if err != nil {
			return nil, ledger.Charge{}, err
		}
		charge, err := s.ledger.Charge(ctx, req)
		if err == nil {
			return prep, charge, nil
		}
		left := withoutExhausted(prep.Priced.Plan.Tenants, err)
		if prep.Request.OnExhausted != question.OnExhaustedExclude || len(left) == 0 || len(left) == len(prep.Priced.Plan.Tenants) {
			return nil, ledger.Charge{}, tooDear(err, prep.Priced.Loss)
		}
		narrowed := prep.Request
		narrowed.Tenants = left
		if prep, err = s.questions.Prepare(ctx, p, narrowed); err != nil {
			return nil, ledger.Charge{}, err
		}
	}
}

// withoutExhausted returns the tenants whose accounts were not the reason of a
// refusal; all of them when it had another reason.
func withoutExhausted(tenants []string, refusal error) []string {
	var why *ledger.Exhausted
	if !errors.As(refusal, &why) {
		return tenants
	}
	return slices.DeleteFunc(slices.Clone(tenants), func(t string) bool {
		return slices.ContainsFunc(why.Accounts, func(a privacy.Account) bool {
			owner, ok := a.Tenant()
			return ok && owner == t
		})
	})
}

func (s *Service) ledgerRequest(ctx context.Context, p privacy.Principal, prep *question.Prepared, asked string) (ledger.Request, error) {
	b, err := s.book.Seal(ctx, prep.Key, kept.Question{
		Request: prep.Request, Fingerprint: asked, Core: prep.Core, Version: prep.Priced.Plan.Version, Policy: prep.Policy, Tenant: p.Tenant,
	})
	if err != nil {
		return ledger.Request{}, err
	}
	name, err := s.book.RequestName(ctx, p, prep.Request.IdempotencyKey)
	if err != nil {
		return ledger.Request{}, err
	}
	return ledger.Request{
		Key: prep.Key, RequestKey: name, Principal: p.ID, Dataset: prep.Dataset.Name,
		Tenants: prep.Priced.Plan.Tenants, DatasetAccount: prep.Priced.Plan.Scope == plan.ScopePerson,
		Group: p.Group, Periods: prep.Priced.Periods,
		Loss: prep.Priced.Loss, Cost: prep.Priced.Cost, Payload: b,
		LeaseOwner: s.redeemer.Owner(), LeaseTTL: redeem.LeaseTTL,
	}, nil
}
