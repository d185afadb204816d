package tenants

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
)

// CreateTenant creates a tenant.
func (h Handlers) CreateTenant(ctx context.Context, r skeleton.CreateTenantRequestObject) (skeleton.CreateTenantResponseObject, error) {
	t, err := h.Catalog.CreateTenant(ctx, r.Body.Name, wire.ValueOf(r.Body.Region), operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	return skeleton.CreateTenant201JSONResponse(tenantOf(t)), nil
}

// ListTenants lists every tenant.
func (h Handlers) ListTenants(ctx context.Context, _ skeleton.ListTenantsRequestObject) (skeleton.ListTenantsResponseObject, error) {
	all, err := h.Catalog.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	return skeleton.ListTenants200JSONResponse{Items: wire.List(all, tenantOf)}, nil
}

// UpdateTenant says where a tenant's rows belong, suspends it or lifts its
// suspension. The region comes first: where it must stay, nothing has changed.
func (h Handlers) UpdateTenant(ctx context.Context, r skeleton.UpdateTenantRequestObject) (skeleton.UpdateTenantResponseObject, error) {
	by := operation.Principal(ctx)
	if region := r.Body.Region; region != nil {
		if err := h.Catalog.SetRegion(ctx, r.Tenant, *region, by, h.Regions); err != nil {
			return nil, err
		}
	}
	if suspended := r.Body.Suspended; suspended != nil {
		if err := h.Catalog.SetSuspended(ctx, r.Tenant, *suspended, by); err != nil {
			return nil, err
		}
	}
	t, err := h.Catalog.Tenant(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.UpdateTenant200JSONResponse(tenantOf(t)), nil
}

// DeleteTenant deletes a tenant; its accounts stay.
func (h Handlers) DeleteTenant(ctx context.Context, r skeleton.DeleteTenantRequestObject) (skeleton.DeleteTenantResponseObject, error) {
	if err := h.Catalog.DeleteTenant(ctx, r.Tenant, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.DeleteTenant204Response{}, nil
}

func tenantOf(t catalog.Tenant) wire.Tenant {
	return wire.Tenant{Name: t.Name, Region: wire.Optional(t.Region), Suspended: t.Suspended, CreatedAt: t.CreatedAt}
}
