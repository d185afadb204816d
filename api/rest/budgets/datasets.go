package budgets

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/proposals"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// GetDatasetBudget shows the budget of a dataset's persons.
func (h Handlers) GetDatasetBudget(ctx context.Context, r skeleton.GetDatasetBudgetRequestObject) (skeleton.GetDatasetBudgetResponseObject, error) {
	b, err := h.datasetBudget(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	return skeleton.GetDatasetBudget200JSONResponse(b), nil
}

// PutDatasetBudget sets the budget of a dataset's persons. A larger one may have
// to wait for the members.
func (h Handlers) PutDatasetBudget(ctx context.Context, r skeleton.PutDatasetBudgetRequestObject) (skeleton.PutDatasetBudgetResponseObject, error) {
	if _, err := h.Catalog.Dataset(ctx, r.Dataset); err != nil {
		return nil, err
	}
	budget := budgetOf(r.Body.Epsilon, r.Body.Delta, r.Body.Window, r.Body.Lifetime)
	p, err := h.Consent.SetBudget(ctx, privacy.DatasetAccount(r.Dataset), budget, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	if p != nil {
		return skeleton.PutDatasetBudget202JSONResponse{WaitsJSONResponse: proposals.Waits(p)}, nil
	}
	b, err := h.datasetBudget(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	return skeleton.PutDatasetBudget200JSONResponse(b), nil
}

func (h Handlers) datasetBudget(ctx context.Context, dataset string) (wire.DatasetBudget, error) {
	st, err := h.Ledger.State(ctx, privacy.DatasetAccount(dataset))
	if err != nil {
		return wire.DatasetBudget{}, err
	}
	periods, err := h.periods(ctx, st.Account)
	if err != nil {
		return wire.DatasetBudget{}, err
	}
	return wire.DatasetBudget{
		Dataset: dataset, Epsilon: st.Cap.Epsilon, Delta: st.Cap.Delta, Window: wire.Window(st.Window),
		Spent: spentOf(st), Remaining: remainingOf(st), Lifetime: wireLoss(st.Lifetime),
		LifetimeSpent: lifetimeSpentOf(st), LifetimeRemaining: lifetimeRemainingOf(st), Periods: periods, Accounting: accounting,
	}, nil
}
