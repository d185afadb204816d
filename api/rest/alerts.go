package rest

import (
	"context"

	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/anomaly"
)

// Alerts knows what the detector noticed.
type Alerts interface {
	List(ctx context.Context, tenant, cursor string, limit int) ([]anomaly.Alert, string, error)
}

// ListAlerts lists alerts: all of them to those who belong to no tenant, and to a
// tenant's people those of its principals.
func (s *server) ListAlerts(ctx context.Context, r skeleton.ListAlertsRequestObject) (skeleton.ListAlertsResponseObject, error) {
	items, next, err := s.Alerts.List(ctx, callOf(ctx).principal.Tenant, valueOf(r.Params.Cursor), pageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListAlerts200JSONResponse{Items: mapped(items, AlertOf), Next: optional(next)}, nil
}

// AlertOf shows an alert, to callers and to webhooks alike.
func AlertOf(a anomaly.Alert) wire.Alert {
	return wire.Alert{
		ID: a.ID, At: a.At, Signal: wire.AlertSignal(a.Signal), Principal: optional(a.Principal), Tenant: optional(a.Tenant),
		Observed: a.Observed, Limit: a.Limit, Suspended: a.Suspended,
	}
}
