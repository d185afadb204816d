package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/consent/effect"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// Consent makes changes to contracts, memberships and budgets, or returns the
// proposal that waits for those who must agree. It answers CodeNotFound for
// proposals that the caller may not know of.
type Consent interface {
	PutDataset(ctx context.Context, c *contract.Contract, doc []byte, by privacy.Principal) (*consent.Proposal, error)
	Accept(ctx context.Context, dataset, tenant string, version int, by privacy.Principal) (*consent.Proposal, error)
	SetBudget(ctx context.Context, account privacy.Account, b consent.Budget, by privacy.Principal) (*consent.Proposal, error)
	PutTemplate(ctx context.Context, dataset, name string, t *template.Template, by privacy.Principal) (*consent.Proposal, error)
	Template(ctx context.Context, dataset, name string) (template.Version, error)
	Templates(ctx context.Context, dataset string) ([]template.Version, error)
	Approve(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	Reject(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	Withdraw(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	Get(ctx context.Context, id string, by privacy.Principal) (*consent.Proposal, error)
	List(ctx context.Context, by privacy.Principal, state consent.State, cursor string, limit int) ([]consent.Proposal, string, error)
}

// ListProposals lists the proposals that concern the caller.
func (s *server) ListProposals(ctx context.Context, r skeleton.ListProposalsRequestObject) (skeleton.ListProposalsResponseObject, error) {
	state := consent.State(valueOf(r.Params.State))
	all, next, err := s.Consent.List(ctx, callOf(ctx).principal, state, valueOf(r.Params.Cursor), pageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items := mapped(all, func(p consent.Proposal) wire.Proposal {
		w := proposalOf(p)
		w.Contract, w.Values = nil, nil
		return w
	})
	return skeleton.ListProposals200JSONResponse{Items: items, Next: optional(next)}, nil
}

// GetProposal shows one proposal, with what would be put.
func (s *server) GetProposal(ctx context.Context, r skeleton.GetProposalRequestObject) (skeleton.GetProposalResponseObject, error) {
	p, err := s.Consent.Get(ctx, r.Proposal, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	return skeleton.GetProposal200JSONResponse(proposalOf(*p)), nil
}

// ApproveProposal signs a proposal.
func (s *server) ApproveProposal(ctx context.Context, r skeleton.ApproveProposalRequestObject) (skeleton.ApproveProposalResponseObject, error) {
	p, err := s.Consent.Approve(ctx, r.Proposal, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	return skeleton.ApproveProposal200JSONResponse(proposalOf(*p)), nil
}

// RejectProposal ends a proposal as one who must agree to it.
func (s *server) RejectProposal(ctx context.Context, r skeleton.RejectProposalRequestObject) (skeleton.RejectProposalResponseObject, error) {
	p, err := s.Consent.Reject(ctx, r.Proposal, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	return skeleton.RejectProposal200JSONResponse(proposalOf(*p)), nil
}

// WithdrawProposal takes back a proposal of one's own.
func (s *server) WithdrawProposal(ctx context.Context, r skeleton.WithdrawProposalRequestObject) (skeleton.WithdrawProposalResponseObject, error) {
	if _, err := s.Consent.Withdraw(ctx, r.Proposal, callOf(ctx).principal); err != nil {
		return nil, err
	}
	return skeleton.WithdrawProposal204Response{}, nil
}

// waits is the answer to a change that is not made yet.
func waits(p *consent.Proposal) skeleton.WaitsJSONResponse {
	return skeleton.WaitsJSONResponse{Body: proposalOf(*p), Headers: skeleton.WaitsResponseHeaders{Location: proposalPath(p)}}
}

func proposalPath(p *consent.Proposal) string { return "/v1/admin/proposals/" + p.ID }

// waiting is the same answer where the body of the request is read by hand.
func waiting(c *echo.Context, p *consent.Proposal) error {
	c.Response().Header().Set("Location", proposalPath(p))
	return c.JSON(http.StatusAccepted, proposalOf(*p))
}

func proposalOf(p consent.Proposal) wire.Proposal {
	w := wire.Proposal{
		ID: p.ID, Kind: wire.ProposalKind(p.Kind), Dataset: optional(p.Dataset), Tenant: optional(p.Tenant),
		By: p.By.ID, ByTenant: optional(p.By.Tenant), State: wire.ProposalState(p.State), CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt,
		Says: effect.Sentences(p.Effect), Effect: mapped(p.Effect, effectOf),
		Required: mapped(p.Required, func(n consent.Need) wire.ProposalNeed {
			return wire.ProposalNeed{Tenant: optional(n.Tenant), Role: wire.Role(n.Role), Count: n.Count, Missing: n.Missing}
		}),
		Approvals: mapped(p.Signatures, func(g consent.Signature) wire.ProposalApproval {
			return wire.ProposalApproval{Principal: g.Principal, Tenant: g.Tenant, Role: wire.Role(g.Role), At: g.At, Counts: g.Counts}
		}),
		DecidedBy: optional(p.DecidedBy),
	}
	if !p.DecidedAt.IsZero() {
		w.DecidedAt = &p.DecidedAt
	}
	if p.Kind == consent.KindContract {
		w.Contract = optional(string(p.Document))
		return w
	}
	values := map[string]any{}
	if json.Unmarshal(p.Document, &values) == nil {
		w.Values = values
	}
	return w
}

func effectOf(c effect.Change) wire.EffectChange {
	w := wire.EffectChange{Field: c.Field, Before: c.Before, After: c.After, Widens: c.Widens, Says: c.Says}
	if len(c.Noise) > 0 {
		w.Noise = mapped(c.Noise, func(n effect.Noise) wire.EffectNoise {
			return wire.EffectNoise{Of: n.Of, Before: n.Before, After: n.After}
		})
	}
	return w
}

// openGroup refuses a tenant's own key for a group that a contract lets ask: who
// is in it is what its members agreed to, and so the operator's to say.
func (s *server) openGroup(ctx context.Context, group string, by privacy.Principal) error {
	if group == "" || by.Is(privacy.RoleOperator) {
		return nil
	}
	all, err := s.Catalog.Datasets(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		latest := d.Contract
		if d.Latest != latest.Version {
			if latest, err = s.Catalog.Contract(ctx, d.Name, d.Latest); err != nil {
				return err
			}
		}
		for _, c := range []*contract.Contract{d.Contract, latest} {
			if c.Analysts != nil && c.MayAsk(group) {
				return privacy.Errorf(privacy.CodeForbidden, "the contract of a dataset lets the group %q ask: its keys are the operator's to create", group)
			}
		}
	}
	return nil
}
