package proposals

import (
	"context"

	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/privacy"
)

// Consent keeps proposals. It answers CodeNotFound for those that the caller may
// not know of.
type Consent interface {
	Approve(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	Reject(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	Withdraw(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	Get(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	List(ctx context.Context, by privacy.Principal, state consent.State, cursor string, limit int) ([]consent.Proposal, string, error)
}

// Handlers answers the operations of this package.
type Handlers struct{ Consent Consent }
