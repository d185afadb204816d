package wire

import (
	"context"
	"time"
)

// RefusalSearch selects refusals. Empty fields select all.
type RefusalSearch struct {
	Tenant, Principal, Operation, Code string
	From, To                           time.Time // From is included, To is not
	Cursor                             string    // the member Next of the page before
	Limit                              int32     // 100 when 0
}

// Refusals lists requests that were refused, newest first.
func (a *API) Refusals(ctx context.Context, s RefusalSearch) (RefusalList, error) {
	return decode[RefusalList](a.client.ListRefusals(ctx, &ListRefusalsParams{
		Tenant: Optional(s.Tenant), Principal: Optional(s.Principal), Operation: Optional(s.Operation), Code: Optional(s.Code),
		From: Optional(s.From), To: Optional(s.To), Cursor: Optional(s.Cursor), Limit: Optional(s.Limit),
	}))
}

// ReleaseLineage shows where a release comes from, to whoever was served it.
func (a *API) ReleaseLineage(ctx context.Context, release string) (LineageEvents, error) {
	return decode[LineageEvents](a.client.GetReleaseLineage(ctx, release))
}

// TenantReleaseLineage shows what a release took from one's tenant.
func (a *API) TenantReleaseLineage(ctx context.Context, release string) (LineageEvents, error) {
	return decode[LineageEvents](a.client.GetTenantReleaseLineage(ctx, release))
}

// LoadLineage shows which releases a load of one's tenant fed.
func (a *API) LoadLineage(ctx context.Context, load string) (LineageEvents, error) {
	return decode[LineageEvents](a.client.GetLoadLineage(ctx, load))
}
