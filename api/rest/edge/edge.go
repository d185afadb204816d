package edge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/authn/lockout"
	"github.com/noised/noised/api/idempotency"
	"github.com/noised/noised/api/rest/limits"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/policy"
)

// Callers knows who sent a request by what the request proves.
type Callers interface {
	Authenticate(ctx context.Context, c authn.Credentials) (authn.Caller, error)
}

// Policies decides calls, beside the access table.
type Policies interface {
	Decide(ctx context.Context, r policy.Request) (policy.Decision, error)
	Might(ctx context.Context, p privacy.Principal, action string) (policy.Decision, error)
	InForce() int64
}

// Containment knows what is suspended.
type Containment interface {
	Check(ctx context.Context, t containment.Touches) error
	DatasetsSuspended() bool
}

// Quotas knows what tenants may use.
type Quotas interface {
	Of(ctx context.Context, tenant string) (quota.Limits, error)
}

// Tenants knows where a tenant's rows belong.
type Tenants interface {
	Tenant(ctx context.Context, name string) (catalog.Tenant, error)
}

// Audit keeps refusals. Record must not wait.
type Audit interface {
	Record(r audit.Refusal)
}

// Limits bounds what callers may use of the server. Zero values have defaults.
type Limits struct {
	MaxConcurrent int           // requests at a time, and an eighth of it beside them from strangers who read the log; 256
	MaxUploads    int           // uploads at a time, beside them; 16
	Rate          float64       // requests per second and principal; 1,000
	Burst         int           // requests at once and principal; 2,000
	AuthFailures  int           // failed authentications from one address before it waits; 50
	Timeout       time.Duration // of a request that is not an upload; 90 s
	ResponseSlot  time.Duration // answers of queries leave at multiples of it; as soon as they are ready when 0
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.MaxConcurrent, 256)
	setDefault(&l.MaxUploads, 16)
	setDefault(&l.Rate, 1000)
	setDefault(&l.Burst, 2000)
	setDefault(&l.AuthFailures, 50)
	setDefault(&l.Timeout, 90*time.Second)
	return l
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Options holds what the steps ask, all of it required but Metrics.
type Options struct {
	DB          *controldb.DB // keeps the answers to repeated requests
	Operations  operation.Index
	Callers     Callers
	Policies    Policies
	Containment Containment
	Quotas      Quotas
	Tenants     Tenants
	Audit       Audit
	Log         *slog.Logger
	Now         func() time.Time
	Metrics     prometheus.Registerer // not measured when nil
	Limits
}

// Edge takes the steps. It is safe for concurrent use.
type Edge struct {
	Options
	now       func() time.Time
	log       *slog.Logger
	answers   *idempotency.Store
	slots     *limits.Slots
	uploads   *limits.Slots
	strangers *limits.Slots
	rates     *limits.Rates // of principals
	shares    *limits.Rates // of tenants
	lockout   *lockout.Lockout
	metrics   *metrics
}

// New returns the steps of a server.
func New(o Options) (*Edge, error) {
	if o.DB == nil || o.Operations == nil || o.Callers == nil || o.Policies == nil || o.Containment == nil ||
		o.Quotas == nil || o.Tenants == nil || o.Audit == nil || o.Log == nil || o.Now == nil {
		return nil, errors.New("edge: an option that is required is missing")
	}
	o.Limits = o.withDefaults()
	m, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, err
	}
	return &Edge{
		Options: o, now: o.Now, log: o.Log, metrics: m,
		answers: idempotency.New(o.DB, o.Now, o.Timeout+time.Minute),
		slots:   limits.NewSlots(o.MaxConcurrent), uploads: limits.NewSlots(o.MaxUploads), strangers: limits.NewSlots(max(o.MaxConcurrent/8, 1)),
		rates: limits.NewRates(o.Rate, o.Burst, o.Now), shares: limits.NewRates(1, 1, o.Now), lockout: lockout.New(o.AuthFailures, o.Now),
	}, nil
}

// Steps returns the line of steps, the first first.
func (e *Edge) Steps() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		e.observe, e.admit, e.hold, e.authenticate, e.authorize, e.negotiate, e.validate, e.replay,
	}
}
