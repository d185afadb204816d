package tenants

import (
	"context"
	"errors"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// CreateKey creates a key of any role, as the operator.
func (h Handlers) CreateKey(ctx context.Context, r skeleton.CreateKeyRequestObject) (skeleton.CreateKeyResponseObject, error) {
	k, err := h.newKey(ctx, authn.KeyRequest{
		Role: privacy.Role(r.Body.Role), Tenant: wire.ValueOf(r.Body.Tenant), Group: wire.ValueOf(r.Body.Group), Name: wire.ValueOf(r.Body.Name), ExpiresAt: r.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return skeleton.CreateKey201JSONResponse(k), nil
}

// CreateTenantKey creates a key for the caller's tenant.
func (h Handlers) CreateTenantKey(ctx context.Context, r skeleton.CreateTenantKeyRequestObject) (skeleton.CreateTenantKeyResponseObject, error) {
	k, err := h.newKey(ctx, authn.KeyRequest{
		Role: privacy.Role(r.Body.Role), Tenant: r.Tenant, Group: wire.ValueOf(r.Body.Group), Name: wire.ValueOf(r.Body.Name), ExpiresAt: r.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return skeleton.CreateTenantKey201JSONResponse(k), nil
}

func (h Handlers) newKey(ctx context.Context, r authn.KeyRequest) (wire.NewKey, error) {
	if err := h.openGroup(ctx, r.Group, operation.Principal(ctx)); err != nil {
		return wire.NewKey{}, err
	}
	k, secret, err := h.Keys.Create(ctx, r, operation.Principal(ctx))
	if err != nil {
		return wire.NewKey{}, err
	}
	// A contract may have come in between. One that comes later finds the key.
	if err := h.openGroup(ctx, r.Group, operation.Principal(ctx)); err != nil {
		return wire.NewKey{}, errors.Join(err, h.Keys.Revoke(context.WithoutCancel(ctx), k.ID, operation.Principal(ctx)))
	}
	return newKeyOf(k, secret), nil
}

func newKeyOf(k authn.Key, secret string) wire.NewKey {
	return wire.NewKey{
		ID: k.ID, Key: secret, Principal: k.Principal, Role: wire.Role(k.Role), Tenant: wire.Optional(k.Tenant), Group: wire.Optional(k.Group), ExpiresAt: k.ExpiresAt,
	}
}

// ListKeys lists every key.
func (h Handlers) ListKeys(ctx context.Context, _ skeleton.ListKeysRequestObject) (skeleton.ListKeysResponseObject, error) {
	all, err := h.Keys.List(ctx, "")
	if err != nil {
		return nil, err
	}
	return skeleton.ListKeys200JSONResponse{Items: wire.List(all, keyOf)}, nil
}

// ListTenantKeys lists the keys of the caller's tenant.
func (h Handlers) ListTenantKeys(ctx context.Context, r skeleton.ListTenantKeysRequestObject) (skeleton.ListTenantKeysResponseObject, error) {
	all, err := h.Keys.List(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.ListTenantKeys200JSONResponse{Items: wire.List(all, keyOf)}, nil
}

// RevokeKey revokes any key.
func (h Handlers) RevokeKey(ctx context.Context, r skeleton.RevokeKeyRequestObject) (skeleton.RevokeKeyResponseObject, error) {
	if err := h.Keys.Revoke(ctx, r.Key, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.RevokeKey204Response{}, nil
}

// RevokeTenantKey revokes a key of the caller's tenant.
func (h Handlers) RevokeTenantKey(ctx context.Context, r skeleton.RevokeTenantKeyRequestObject) (skeleton.RevokeTenantKeyResponseObject, error) {
	if err := h.Keys.Revoke(ctx, r.Key, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.RevokeTenantKey204Response{}, nil
}

// defaultOverlap is how long a replaced key lives on when the caller does not say.
const defaultOverlap = 24 * time.Hour

// RotateKey replaces any key.
func (h Handlers) RotateKey(ctx context.Context, r skeleton.RotateKeyRequestObject) (skeleton.RotateKeyResponseObject, error) {
	k, err := h.rotated(ctx, r.Key, r.Body.Overlap)
	if err != nil {
		return nil, err
	}
	return skeleton.RotateKey201JSONResponse(k), nil
}

// RotateTenantKey replaces a key of the caller's tenant.
func (h Handlers) RotateTenantKey(ctx context.Context, r skeleton.RotateTenantKeyRequestObject) (skeleton.RotateTenantKeyResponseObject, error) {
	if err := h.mayReplace(ctx, r.Tenant, r.Key); err != nil {
		return nil, err
	}
	k, err := h.rotated(ctx, r.Key, r.Body.Overlap)
	if err != nil {
		return nil, err
	}
	return skeleton.RotateTenantKey201JSONResponse(k), nil
}

func (h Handlers) rotated(ctx context.Context, id string, overlap *string) (wire.NewKey, error) {
	d := defaultOverlap
	if overlap != nil {
		var err error
		if d, err = time.ParseDuration(*overlap); err != nil {
			return wire.NewKey{}, privacy.Errorf(privacy.CodeInvalidRequest, "overlap is a duration with its unit, such as 24h")
		}
	}
	k, secret, err := h.Keys.Rotate(ctx, id, d, operation.Principal(ctx))
	if err != nil {
		return wire.NewKey{}, err
	}
	return newKeyOf(k, secret), nil
}

// RevokePrincipal refuses a principal for good.
func (h Handlers) RevokePrincipal(ctx context.Context, r skeleton.RevokePrincipalRequestObject) (skeleton.RevokePrincipalResponseObject, error) {
	if err := h.Keys.RevokePrincipal(ctx, r.Principal, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.RevokePrincipal204Response{}, nil
}

func keyOf(k authn.Key) wire.Key {
	return wire.Key{
		ID: k.ID, Principal: k.Principal, RotatedFrom: wire.Optional(k.RotatedFrom), LastUsedAt: k.LastUsedAt, Role: wire.Role(k.Role), Tenant: wire.Optional(k.Tenant), Group: wire.Optional(k.Group), Name: wire.Optional(k.Name),
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
	}
}
