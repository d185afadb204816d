package oversight

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/anomaly"
)

// ListAlerts lists alerts: all of them to those who belong to no tenant, and to a
// tenant's people those of its principals.
func (h Handlers) ListAlerts(ctx context.Context, r skeleton.ListAlertsRequestObject) (skeleton.ListAlertsResponseObject, error) {
	items, next, err := h.Alerts.List(ctx, operation.Principal(ctx).Tenant, wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListAlerts200JSONResponse{Items: wire.List(items, AlertOf), Next: wire.Optional(next)}, nil
}

// AlertOf shows an alert, to callers and to webhooks alike.
func AlertOf(a anomaly.Alert) wire.Alert {
	return wire.Alert{
		ID: a.ID, At: a.At, Signal: wire.AlertSignal(a.Signal), Principal: wire.Optional(a.Principal), Tenant: wire.Optional(a.Tenant),
		Observed: a.Observed, Limit: a.Limit, Suspended: a.Suspended,
	}
}
