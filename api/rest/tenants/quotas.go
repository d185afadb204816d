package tenants

import (
	"context"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// GetQuotas shows what a tenant may use.
func (h Handlers) GetQuotas(ctx context.Context, r skeleton.GetQuotasRequestObject) (skeleton.GetQuotasResponseObject, error) {
	q, err := h.quotasOf(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.GetQuotas200JSONResponse(q), nil
}

// PutQuotas sets what a tenant may use.
func (h Handlers) PutQuotas(ctx context.Context, r skeleton.PutQuotasRequestObject) (skeleton.PutQuotasResponseObject, error) {
	own, err := ownQuotas(*r.Body)
	if err != nil {
		return nil, err
	}
	if err := h.Quotas.Put(ctx, r.Tenant, own, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	q, err := h.quotasOf(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.PutQuotas200JSONResponse(q), nil
}

// ownQuotas reads quotas as they were sent. One that is limited and unlimited at
// once is refused.
func ownQuotas(b wire.QuotaRequest) (quota.Own, error) {
	own := quota.Own{
		quota.StoredBytes: b.StoredBytes, quota.LoadsWaiting: b.LoadsWaiting, quota.LoadsRunning: b.LoadsRunning,
		quota.Queries: b.Queries, quota.RequestsPerSecond: b.RequestsPerSecond,
	}
	for _, name := range b.Unlimited {
		for _, k := range quota.Kinds() {
			if k.String() != string(name) {
				continue
			}
			if own[k] != nil {
				return own, privacy.Errorf(privacy.CodeInvalidRequest, "the quota %s is either limited or unlimited", k)
			}
			unlimited := quota.Unlimited
			own[k] = &unlimited
		}
	}
	return own, nil
}

func (h Handlers) quotasOf(ctx context.Context, tenant string) (wire.TenantQuotas, error) {
	own, defaults, err := h.Quotas.Own(ctx, tenant)
	if err != nil {
		return wire.TenantQuotas{}, err
	}
	limits := own.Over(defaults)
	out := wire.TenantQuotas{Tenant: tenant, Own: []wire.QuotaName{}, Unlimited: []wire.QuotaName{}}
	shown := map[quota.Kind]**int64{
		quota.StoredBytes: &out.StoredBytes, quota.LoadsWaiting: &out.LoadsWaiting, quota.LoadsRunning: &out.LoadsRunning,
		quota.Queries: &out.Queries, quota.RequestsPerSecond: &out.RequestsPerSecond,
	}
	for _, k := range quota.Kinds() {
		name := wire.QuotaName(k.String())
		if own[k] != nil {
			out.Own = append(out.Own, name)
		}
		if limits[k] == quota.Unlimited {
			out.Unlimited = append(out.Unlimited, name)
		} else {
			*shown[k] = &limits[k]
		}
	}
	return out, nil
}
