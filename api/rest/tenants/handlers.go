package tenants

import (
	"context"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// Catalog names tenants, and the contracts that let groups ask.
type Catalog interface {
	CreateTenant(ctx context.Context, name, region string, by privacy.Principal) (catalog.Tenant, error)
	Tenants(ctx context.Context) ([]catalog.Tenant, error)
	Tenant(ctx context.Context, name string) (catalog.Tenant, error)
	SetRegion(ctx context.Context, name, region string, by privacy.Principal, here residency.Regions) error
	SetSuspended(ctx context.Context, name string, suspended bool, by privacy.Principal) error
	DeleteTenant(ctx context.Context, name string, by privacy.Principal) error
	Datasets(ctx context.Context) ([]catalog.Dataset, error)
	Contract(ctx context.Context, dataset string, version int) (*contract.Contract, error)
}

// Keys issues API keys, and revokes principals.
type Keys interface {
	Create(ctx context.Context, r authn.KeyRequest, by privacy.Principal) (authn.Key, string, error)
	Rotate(ctx context.Context, id string, overlap time.Duration, by privacy.Principal) (authn.Key, string, error)
	List(ctx context.Context, tenant string) ([]authn.Key, error)
	Revoke(ctx context.Context, id string, by privacy.Principal) error
	RevokePrincipal(ctx context.Context, id string, by privacy.Principal) error
}

// Quotas knows and sets what tenants may use.
type Quotas interface {
	Own(ctx context.Context, tenant string) (quota.Own, quota.Limits, error)
	Put(ctx context.Context, tenant string, own quota.Own, by privacy.Principal) error
}

// Handlers answers the operations of this package.
type Handlers struct {
	Catalog Catalog
	Keys    Keys
	Quotas  Quotas
	Regions residency.Regions // that the server serves
}
