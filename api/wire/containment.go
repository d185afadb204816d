package wire

import "context"

// Suspend suspends a tenant, a principal, a dataset or everything, for a reason.
func (a *API) Suspend(ctx context.Context, kind, name, reason string) (Suspension, error) {
	return decode[Suspension](a.client.PutSuspension(ctx, SuspensionKind(kind), name, SuspensionRequest{Reason: reason}))
}

// Lift lifts a suspension.
func (a *API) Lift(ctx context.Context, kind, name string) error {
	return done(a.client.DeleteSuspension(ctx, SuspensionKind(kind), name))
}

// Suspensions lists what is suspended, as far as it is the caller's to know.
func (a *API) Suspensions(ctx context.Context) (SuspensionList, error) {
	return decode[SuspensionList](a.client.ListSuspensions(ctx))
}

// Alerts lists what the detector noticed, newest first.
func (a *API) Alerts(ctx context.Context, cursor string, limit int32) (AlertList, error) {
	return decode[AlertList](a.client.ListAlerts(ctx, &ListAlertsParams{Cursor: Optional(cursor), Limit: Optional(limit)}))
}
