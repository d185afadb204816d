package rest

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
)

// CreateTenant creates a tenant.
func (s *server) CreateTenant(ctx context.Context, r skeleton.CreateTenantRequestObject) (skeleton.CreateTenantResponseObject, error) {
	t, err := s.Catalog.CreateTenant(ctx, r.Body.Name, valueOf(r.Body.Region), callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	return skeleton.CreateTenant201JSONResponse(tenantOf(t)), nil
}

// ListTenants lists every tenant.
func (s *server) ListTenants(ctx context.Context, _ skeleton.ListTenantsRequestObject) (skeleton.ListTenantsResponseObject, error) {
	all, err := s.Catalog.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	return skeleton.ListTenants200JSONResponse{Items: mapped(all, tenantOf)}, nil
}

// UpdateTenant says where a tenant's rows belong, suspends it or lifts its
// suspension. The region comes first: where it must stay, nothing has changed.
func (s *server) UpdateTenant(ctx context.Context, r skeleton.UpdateTenantRequestObject) (skeleton.UpdateTenantResponseObject, error) {
	by := callOf(ctx).principal
	if region := r.Body.Region; region != nil {
		if err := s.Catalog.SetRegion(ctx, r.Tenant, *region, by, s.Regions); err != nil {
			return nil, err
		}
	}
	if suspended := r.Body.Suspended; suspended != nil {
		if err := s.Catalog.SetSuspended(ctx, r.Tenant, *suspended, by); err != nil {
			return nil, err
		}
	}
	t, err := s.Catalog.Tenant(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.UpdateTenant200JSONResponse(tenantOf(t)), nil
}

// DeleteTenant deletes a tenant; its accounts stay.
func (s *server) DeleteTenant(ctx context.Context, r skeleton.DeleteTenantRequestObject) (skeleton.DeleteTenantResponseObject, error) {
	if err := s.Catalog.DeleteTenant(ctx, r.Tenant, callOf(ctx).principal); err != nil {
		return nil, err
	}
	return skeleton.DeleteTenant204Response{}, nil
}

func tenantOf(t catalog.Tenant) wire.Tenant {
	return wire.Tenant{Name: t.Name, Region: optional(t.Region), Suspended: t.Suspended, CreatedAt: t.CreatedAt}
}
