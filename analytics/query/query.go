package query

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/release"
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
func (s *Service) Query(ctx context.Context, p privacy.Principal, r Request) (*Answer, error) {
	if err := mayQuery(p); err != nil {
		return nil, Refusal(err)
	}
	ctx, leave, err := s.enter(ctx, p)
	if err != nil {
		return nil, Refusal(err)
	}
	defer leave()
	if r.IdempotencyKey != "" {
		answer, found, err := s.earlier(ctx, p, r)
		if found || err != nil {
			return answer, err
		}
	}
	prep, err := s.prepare(ctx, p, r)
	if err != nil {
		return nil, Refusal(err)
	}
	core, stored, err := s.Store.ByKey(ctx, prep.key)
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
	if charge.Key != prep.key {
		// The Idempotency-Key was charged for something else since it was looked
		// up. That charge must never pay for this question.
		answer, _, err := s.earlier(ctx, p, r)
		return answer, err
	}
	if charge.Existing {
		if core, err = s.settled(ctx, p, charge.Key); err != nil {
			return nil, err
		}
		return s.serve(ctx, p, core, prep)
	}
	prep.leased = true
	if core, err = s.redeemed(ctx, charge, prep); err != nil {
		return nil, err
	}
	return s.view(core, prep)
}

// mayQuery admits analysts only: the operator runs the service and never
// queries, and the other roles have no business with answers.
func mayQuery(p privacy.Principal) error {
	if p.Is(privacy.RoleAnalyst) {
		return nil
	}
	return privacy.Errorf(privacy.CodeForbidden, "only an analyst may query; this key has the role %s", p.Role)
}

// payload is what a charge keeps so that it can be redeemed after a crash.
type payload struct {
	Request     Request `json:"request"`
	Fingerprint string  `json:"fingerprint"` // of the request as the caller sent it
	Core        string  `json:"core"`
	Version     int     `json:"version"`
	Policy      int64   `json:"policy"` // the version of the policies that permitted it
	Tenant      string  `json:"tenant"` // of the principal that paid; empty for none
}

func fingerprint(r Request) (string, error) {
	if r.Template != "" {
		r.SQL, r.Resolved = "", nil // as the caller sent it
	}
	b, err := json.Marshal(r)
	if err != nil {
		return "", privacy.Errorf(privacy.CodeInvalidRequest, "the request has a number that is not finite")
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// earlier answers a repeated Idempotency-Key from the charge that its first use
// made.
func (s *Service) earlier(ctx context.Context, p privacy.Principal, r Request) (*Answer, bool, error) {
	charge, ok, err := s.chargeOf(ctx, p, r.IdempotencyKey)
	if err != nil || !ok {
		return nil, false, err
	}
	was, err := s.request(ctx, charge)
	if err != nil {
		return nil, true, err
	}
	now, err := fingerprint(r)
	if err != nil {
		return nil, true, err
	}
	if now != was.Fingerprint {
		return nil, true, privacy.Errorf(privacy.CodeIdempotencyMismatch, "this Idempotency-Key was used with another request")
	}
	if charge.State == ledger.StateAbandoned {
		return nil, true, privacy.Internal(errAbandoned, charge.ID)
	}
	if err := s.Containment.Check(ctx, containment.Touches{Principal: p, Dataset: charge.Dataset}); err != nil {
		return nil, true, err
	}
	core, err := s.settled(ctx, p, charge.Key)
	if err != nil {
		return nil, true, err
	}
	answer, err := s.replay(ctx, p, r.operation(), core, charge)
	return answer, true, err
}

// replay answers a repeated request with the view that it asked for, whatever
// became of the contract since, if the policies still permit it.
func (s *Service) replay(ctx context.Context, p privacy.Principal, operation string, core release.Core, charge ledger.Charge) (*Answer, error) {
	reading, readErr := s.Store.Read(ctx, p.ID, core.ID)
	prep, err := s.again(ctx, charge)
	if err == nil {
		if denied := s.permit(ctx, p, operation, prep); denied != nil {
			return nil, Refusal(denied)
		}
	}
	switch {
	case err == nil && readErr == nil:
		return s.view(core, prep)
	case err == nil: // bound to a charge, but not served yet
		return s.serve(ctx, p, core, prep)
	case readErr == nil:
		return fromReading(reading)
	default:
		return nil, err
	}
}

// charge debits every account of the request, dropping exhausted tenants if the
// caller asked for that. It returns the request as it was charged; sent is how it
// came.
func (s *Service) charge(ctx context.Context, p privacy.Principal, sent Request, prep *prepared) (*prepared, ledger.Charge, error) {
	asked, err := fingerprint(sent)
	if err != nil {
		return nil, ledger.Charge{}, err
	}
	for {
		req, err := s.ledgerRequest(ctx, p, prep, asked)
		if err != nil {
			return nil, ledger.Charge{}, err
		}
		charge, err := s.Ledger.Charge(ctx, req)
		if err == nil {
			return prep, charge, nil
		}
		left := withoutExhausted(prep.priced.Plan.Tenants, err)
		if prep.request.OnExhausted != OnExhaustedExclude || len(left) == 0 || len(left) == len(prep.priced.Plan.Tenants) {
			return nil, ledger.Charge{}, tooDear(err, prep.priced.Loss)
		}
		narrowed := prep.request
		narrowed.Tenants = left
		if prep, err = s.prepare(ctx, p, narrowed); err != nil {
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

func (s *Service) ledgerRequest(ctx context.Context, p privacy.Principal, prep *prepared, asked string) (ledger.Request, error) {
	b, err := s.seal(ctx, prep.key, payload{
		Request: prep.request, Fingerprint: asked, Core: prep.core, Version: prep.priced.Plan.Version, Policy: prep.policy, Tenant: p.Tenant,
	})
	if err != nil {
		return ledger.Request{}, err
	}
	name, err := s.requestName(ctx, p, prep.request.IdempotencyKey)
	if err != nil {
		return ledger.Request{}, err
	}
	return ledger.Request{
		Key: prep.key, RequestKey: name, Principal: p.ID, Dataset: prep.dataset.Name,
		Tenants: prep.priced.Plan.Tenants, DatasetAccount: prep.priced.Plan.Scope == plan.ScopePerson,
		Group: p.Group, Periods: prep.priced.Periods,
		Loss: prep.priced.Loss, Cost: prep.priced.Cost, Payload: b,
		LeaseOwner: s.owner, LeaseTTL: leaseTTL,
	}, nil
}
