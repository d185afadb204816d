package oversight

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/policy"
)

// Policies keeps the versions of what calls are decided by.
type Policies interface {
	Put(ctx context.Context, files policy.Files, by privacy.Principal) (policy.Version, *policy.Set, error)
	Version(ctx context.Context, number int64) (policy.Version, error)
	Versions(ctx context.Context) ([]policy.Version, error)
	InForce() int64
}

// Containment knows what is suspended, and whose it is to suspend what.
type Containment interface {
	Suspend(ctx context.Context, kind, name, reason string, by privacy.Principal) (containment.Suspension, error)
	Lift(ctx context.Context, kind, name string, by privacy.Principal) error
	List(ctx context.Context, p privacy.Principal) ([]containment.Suspension, error)
}

// Alerts knows what the detector noticed.
type Alerts interface {
	List(ctx context.Context, tenant, cursor string, limit int) ([]anomaly.Alert, string, error)
}

// Audit finds refusals.
type Audit interface {
	Search(ctx context.Context, s audit.Search) ([]audit.Refusal, string, error)
}

// Tenants knows since when there is a tenant.
type Tenants interface {
	Tenant(ctx context.Context, name string) (catalog.Tenant, error)
}

// Handlers answers the operations of this package.
type Handlers struct {
	Policies    Policies
	Containment Containment
	Alerts      Alerts
	Audit       Audit
	Tenants     Tenants
}
