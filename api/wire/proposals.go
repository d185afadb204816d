package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// WaitingError says that a change was not made: it waits for approvals.
type WaitingError struct{ Proposal Proposal }

// Error implements error.
func (e *WaitingError) Error() string {
	return fmt.Sprintf("this waits for approvals, as %s", e.Proposal.ID)
}

// made reads the answer of a change that may have to wait.
func made[T any](res *http.Response, err error) (T, error) {
	if err != nil || res.StatusCode != http.StatusAccepted {
		return decode[T](res, err)
	}
	defer func() { _ = res.Body.Close() }()
	var none T
	waiting := &WaitingError{}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&waiting.Proposal); err != nil {
		return none, fmt.Errorf("reading the server's answer: %w", err)
	}
	return none, waiting
}

// Proposals lists changes that wait, or waited, for approvals, newest first; of
// one state unless it is empty.
func (a *API) Proposals(ctx context.Context, state, cursor string, limit int32) (ProposalList, error) {
	return decode[ProposalList](a.client.ListProposals(ctx, &ListProposalsParams{
		State: Optional(ListProposalsParamsState(state)), Cursor: Optional(cursor), Limit: Optional(limit),
	}))
}

// Proposal shows one proposal.
func (a *API) Proposal(ctx context.Context, id string) (Proposal, error) {
	return decode[Proposal](a.client.GetProposal(ctx, id))
}

// Approve signs a proposal. The last signature that is needed makes the change.
func (a *API) Approve(ctx context.Context, id string) (Proposal, error) {
	return decode[Proposal](a.client.ApproveProposal(ctx, id, &ApproveProposalParams{}))
}

// Reject ends a proposal.
func (a *API) Reject(ctx context.Context, id string) (Proposal, error) {
	return decode[Proposal](a.client.RejectProposal(ctx, id, &RejectProposalParams{}))
}

// Withdraw takes a proposal back.
func (a *API) Withdraw(ctx context.Context, id string) error {
	return done(a.client.WithdrawProposal(ctx, id))
}

// PutTemplate lets a query be asked by name.
func (a *API) PutTemplate(ctx context.Context, dataset, name string, t TemplateRequest) (Template, error) {
	return made[Template](a.client.PutTemplate(ctx, dataset, name, t))
}

// WithdrawTemplate ends a template.
func (a *API) WithdrawTemplate(ctx context.Context, dataset, name string) error {
	return done(a.client.DeleteTemplate(ctx, dataset, name))
}

// Templates lists the queries of a dataset that may be asked by name.
func (a *API) Templates(ctx context.Context, dataset string) (TemplateList, error) {
	return decode[TemplateList](a.client.ListTemplates(ctx, dataset))
}

// Template shows one of them.
func (a *API) Template(ctx context.Context, dataset, name string) (Template, error) {
	return decode[Template](a.client.GetTemplate(ctx, dataset, name))
}
