package wire

import "context"

// Quotas shows what a tenant may use.
func (a *API) Quotas(ctx context.Context, tenant string) (TenantQuotas, error) {
	return decode[TenantQuotas](a.client.GetQuotas(ctx, tenant))
}

// PutQuotas sets what a tenant may use, in place of what was set before.
func (a *API) PutQuotas(ctx context.Context, tenant string, q QuotaRequest) (TenantQuotas, error) {
	return decode[TenantQuotas](a.client.PutQuotas(ctx, tenant, q))
}
