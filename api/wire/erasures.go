package wire

import (
	"context"
	"time"
)

// Erase asks to erase people from a tenant's data. The key makes a repeat of the same
// request harmless; none is sent when it is empty.
func (a *API) Erase(ctx context.Context, dataset, tenant, key string, units []string) (Erasure, error) {
	params := &CreateErasureParams{Tenant: Optional(tenant), IdempotencyKey: Optional(key)}
	return decode[Erasure](a.client.CreateErasure(ctx, dataset, params, ErasureRequest{Units: units}))
}

// Erasure shows the state of an erasure.
func (a *API) Erasure(ctx context.Context, id string) (Erasure, error) {
	return decode[Erasure](a.client.GetErasure(ctx, id))
}

// Erasures lists the erasures of one's tenant, newest first.
func (a *API) Erasures(ctx context.Context, cursor string, limit int32) (ErasureList, error) {
	return decode[ErasureList](a.client.ListErasures(ctx, &ListErasuresParams{Cursor: Optional(cursor), Limit: Optional(limit)}))
}

// Finished reports whether the erasure will not change any more.
func (e Erasure) Finished() bool {
	return e.State == ErasureStateSucceeded || e.State == ErasureStateFailed
}

// WaitErased asks for an erasure until it has finished, at growing intervals of up to a
// second, and passes every state it sees to report, which may be nil.
func (a *API) WaitErased(ctx context.Context, id string, report func(Erasure)) (Erasure, error) {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		e, err := a.Erasure(ctx, id)
		if err != nil {
			return e, err
		}
		if report != nil {
			report(e)
		}
		if e.Finished() {
			return e, nil
		}
		select {
		case <-ctx.Done():
			return e, ctx.Err()
		case <-time.After(pause):
		}
	}
}
