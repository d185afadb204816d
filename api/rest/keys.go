package rest

import (
	"context"
	"errors"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// CreateKey creates a key of any role, as the operator.
func (s *server) CreateKey(ctx context.Context, r skeleton.CreateKeyRequestObject) (skeleton.CreateKeyResponseObject, error) {
	k, err := s.newKey(ctx, authn.KeyRequest{
		Role: privacy.Role(r.Body.Role), Tenant: valueOf(r.Body.Tenant), Group: valueOf(r.Body.Group), Name: valueOf(r.Body.Name), ExpiresAt: r.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return skeleton.CreateKey201JSONResponse(k), nil
}

// CreateTenantKey creates a key for the caller's tenant.
func (s *server) CreateTenantKey(ctx context.Context, r skeleton.CreateTenantKeyRequestObject) (skeleton.CreateTenantKeyResponseObject, error) {
	k, err := s.newKey(ctx, authn.KeyRequest{
		Role: privacy.Role(r.Body.Role), Tenant: r.Tenant, Group: valueOf(r.Body.Group), Name: valueOf(r.Body.Name), ExpiresAt: r.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return skeleton.CreateTenantKey201JSONResponse(k), nil
}

func (s *server) newKey(ctx context.Context, r authn.KeyRequest) (wire.NewKey, error) {
	if err := s.openGroup(ctx, r.Group, callOf(ctx).principal); err != nil {
		return wire.NewKey{}, err
	}
	k, secret, err := s.Keys.Create(ctx, r, callOf(ctx).principal)
	if err != nil {
		return wire.NewKey{}, err
	}
	// A contract may have come in between. One that comes later finds the key.
	if err := s.openGroup(ctx, r.Group, callOf(ctx).principal); err != nil {
		return wire.NewKey{}, errors.Join(err, s.Keys.Revoke(context.WithoutCancel(ctx), k.ID, callOf(ctx).principal))
	}
	return newKeyOf(k, secret), nil
}

func newKeyOf(k authn.Key, secret string) wire.NewKey {
	return wire.NewKey{
		ID: k.ID, Key: secret, Principal: k.Principal, Role: wire.Role(k.Role), Tenant: optional(k.Tenant), Group: optional(k.Group), ExpiresAt: k.ExpiresAt,
	}
}

// ListKeys lists every key.
func (s *server) ListKeys(ctx context.Context, _ skeleton.ListKeysRequestObject) (skeleton.ListKeysResponseObject, error) {
	all, err := s.Keys.List(ctx, "")
	if err != nil {
		return nil, err
	}
	return skeleton.ListKeys200JSONResponse{Items: mapped(all, keyOf)}, nil
}

// ListTenantKeys lists the keys of the caller's tenant.
func (s *server) ListTenantKeys(ctx context.Context, r skeleton.ListTenantKeysRequestObject) (skeleton.ListTenantKeysResponseObject, error) {
	all, err := s.Keys.List(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.ListTenantKeys200JSONResponse{Items: mapped(all, keyOf)}, nil
}

// RevokeKey revokes any key.
func (s *server) RevokeKey(ctx context.Context, r skeleton.RevokeKeyRequestObject) (skeleton.RevokeKeyResponseObject, error) {
	if err := s.Keys.Revoke(ctx, r.Key, callOf(ctx).principal); err != nil {
		return nil, err
	}
	return skeleton.RevokeKey204Response{}, nil
}

// RevokeTenantKey revokes a key of the caller's tenant.
func (s *server) RevokeTenantKey(ctx context.Context, r skeleton.RevokeTenantKeyRequestObject) (skeleton.RevokeTenantKeyResponseObject, error) {
	if err := s.Keys.Revoke(ctx, r.Key, callOf(ctx).principal); err != nil {
		return nil, err
	}
	return skeleton.RevokeTenantKey204Response{}, nil
}

// defaultOverlap is how long a replaced key lives on when the caller does not say.
const defaultOverlap = 24 * time.Hour

// RotateKey replaces any key.
func (s *server) RotateKey(ctx context.Context, r skeleton.RotateKeyRequestObject) (skeleton.RotateKeyResponseObject, error) {
	k, err := s.rotated(ctx, r.Key, r.Body.Overlap)
	if err != nil {
		return nil, err
	}
	return skeleton.RotateKey201JSONResponse(k), nil
}

// RotateTenantKey replaces a key of the caller's tenant.
func (s *server) RotateTenantKey(ctx context.Context, r skeleton.RotateTenantKeyRequestObject) (skeleton.RotateTenantKeyResponseObject, error) {
	k, err := s.rotated(ctx, r.Key, r.Body.Overlap)
	if err != nil {
		return nil, err
	}
	return skeleton.RotateTenantKey201JSONResponse(k), nil
}

func (s *server) rotated(ctx context.Context, id string, overlap *string) (wire.NewKey, error) {
	d := defaultOverlap
	if overlap != nil {
		var err error
		if d, err = time.ParseDuration(*overlap); err != nil {
			return wire.NewKey{}, privacy.Errorf(privacy.CodeInvalidRequest, "overlap is a duration with its unit, such as 24h")
		}
	}
	k, secret, err := s.Keys.Rotate(ctx, id, d, callOf(ctx).principal)
	if err != nil {
		return wire.NewKey{}, err
	}
	return newKeyOf(k, secret), nil
}

// RevokePrincipal refuses a principal for good.
func (s *server) RevokePrincipal(ctx context.Context, r skeleton.RevokePrincipalRequestObject) (skeleton.RevokePrincipalResponseObject, error) {
	if err := s.Keys.RevokePrincipal(ctx, r.Principal, callOf(ctx).principal); err != nil {
		return nil, err
	}
	return skeleton.RevokePrincipal204Response{}, nil
}

func keyOf(k authn.Key) wire.Key {
	return wire.Key{
		ID: k.ID, Principal: k.Principal, RotatedFrom: optional(k.RotatedFrom), LastUsedAt: k.LastUsedAt, Role: wire.Role(k.Role), Tenant: optional(k.Tenant), Group: optional(k.Group), Name: optional(k.Name),
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
	}
}
