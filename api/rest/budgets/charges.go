package budgets

import (
	"context"

	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// ListCharges lists what was charged to a tenant.
func (h Handlers) ListCharges(ctx context.Context, r skeleton.ListChargesRequestObject) (skeleton.ListChargesResponseObject, error) {
	items, next, err := h.Ledger.Charges(ctx, privacy.TenantAccount(r.Tenant), wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListCharges200JSONResponse{Items: wire.List(items, chargeOf), Next: wire.Optional(next)}, nil
}

func chargeOf(e ledger.Entry) wire.Charge {
	return wire.Charge{
		Release: wire.Optional(e.Release), Principal: e.Principal, Rho: e.Cost.Rho(),
		Epsilon: e.Loss.Epsilon, Delta: e.Loss.Delta, State: wire.ChargeState(e.State), At: e.At,
	}
}
