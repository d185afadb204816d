package proposals

import (
	"context"

	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
)

// ListProposals lists the proposals that concern the caller.
func (h Handlers) ListProposals(ctx context.Context, r skeleton.ListProposalsRequestObject) (skeleton.ListProposalsResponseObject, error) {
	state := consent.State(wire.ValueOf(r.Params.State))
	all, next, err := h.Consent.List(ctx, operation.Principal(ctx), state, wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items := wire.List(all, func(p consent.Proposal) wire.Proposal {
		w := proposalOf(p)
		w.Contract, w.Values = nil, nil
		return w
	})
	return skeleton.ListProposals200JSONResponse{Items: items, Next: wire.Optional(next)}, nil
}

// GetProposal shows one proposal, with what would be put.
func (h Handlers) GetProposal(ctx context.Context, r skeleton.GetProposalRequestObject) (skeleton.GetProposalResponseObject, error) {
	p, err := h.Consent.Get(ctx, r.Proposal, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	return skeleton.GetProposal200JSONResponse(proposalOf(*p)), nil
}

// ApproveProposal signs a proposal.
func (h Handlers) ApproveProposal(ctx context.Context, r skeleton.ApproveProposalRequestObject) (skeleton.ApproveProposalResponseObject, error) {
	p, err := h.Consent.Approve(ctx, r.Proposal, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	return skeleton.ApproveProposal200JSONResponse(proposalOf(*p)), nil
}

// RejectProposal ends a proposal as one who must agree to it.
func (h Handlers) RejectProposal(ctx context.Context, r skeleton.RejectProposalRequestObject) (skeleton.RejectProposalResponseObject, error) {
	p, err := h.Consent.Reject(ctx, r.Proposal, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	return skeleton.RejectProposal200JSONResponse(proposalOf(*p)), nil
}

// WithdrawProposal takes back a proposal of one's own.
func (h Handlers) WithdrawProposal(ctx context.Context, r skeleton.WithdrawProposalRequestObject) (skeleton.WithdrawProposalResponseObject, error) {
	if _, err := h.Consent.Withdraw(ctx, r.Proposal, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.WithdrawProposal204Response{}, nil
}
