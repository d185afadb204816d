package rest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
)

// Queries answers analysts. It must not let a caller that hangs up interrupt a
// spend.
type Queries interface {
	Query(ctx context.Context, p privacy.Principal, r question.Request) (*showing.Answer, error)
	Try(ctx context.Context, dataset string, t template.Template) error
	Explain(ctx context.Context, p privacy.Principal, r question.Request) (*query.Explanation, error)
	Releases(ctx context.Context, p privacy.Principal, cursor string, limit int) ([]release.Release, string, error)
	Release(ctx context.Context, p privacy.Principal, id string) (*showing.Answer, error)
}

// Loads brings data in. Its methods answer CodeNotFound for loads of another
// tenant than the one they are called for.
type Loads interface {
	Create(ctx context.Context, r job.Request, body io.Reader) (job.Load, error)
	Get(ctx context.Context, tenant, id string) (job.Load, error)
	List(ctx context.Context, tenant, cursor string, limit int) ([]job.Load, string, error)
	Cancel(ctx context.Context, tenant, id string) (job.Load, error)
	Rejects(ctx context.Context, tenant, id string) (io.ReadCloser, error)
}

// Catalog names tenants, datasets and members.
type Catalog interface {
	CreateTenant(ctx context.Context, name, region string, by privacy.Principal) (catalog.Tenant, error)
	Tenants(ctx context.Context) ([]catalog.Tenant, error)
	Tenant(ctx context.Context, name string) (catalog.Tenant, error)
	SetRegion(ctx context.Context, name, region string, by privacy.Principal, here residency.Regions) error
	SetSuspended(ctx context.Context, name string, suspended bool, by privacy.Principal) error
	DeleteTenant(ctx context.Context, name string, by privacy.Principal) error
	Datasets(ctx context.Context) ([]catalog.Dataset, error)
	Dataset(ctx context.Context, name string) (catalog.Dataset, error)
	Contract(ctx context.Context, dataset string, version int) (*contract.Contract, error)
	Leave(ctx context.Context, dataset, tenant string, by privacy.Principal) error
}

// Ledger knows budgets and charges. Consent sets them.
type Ledger interface {
	Default(ctx context.Context, kind privacy.AccountKind, tenant string) (*privacy.Loss, error)
	State(ctx context.Context, account privacy.Account) (ledger.State, error)
	States(ctx context.Context, tenant string) ([]ledger.State, error)
	Periods(ctx context.Context, parent privacy.Account) ([]ledger.State, error)
	Charges(ctx context.Context, account privacy.Account, cursor string, limit int) ([]ledger.Entry, string, error)
}

// Callers knows who sent a request by what the request proves.
type Callers interface {
	Authenticate(ctx context.Context, c authn.Credentials) (authn.Caller, error)
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
	Of(ctx context.Context, tenant string) (quota.Limits, error)
	Own(ctx context.Context, tenant string) (quota.Own, quota.Limits, error)
	Put(ctx context.Context, tenant string, own quota.Own, by privacy.Principal) error
}

// Options holds what a server is wired from. Everything above the blank line is
// required; the rest has defaults.
type Options struct {
	DB       *controldb.DB // keeps the answers to repeated requests
	Queries  Queries
	Loads    Loads
	Erasures Erasures
	Catalog  Catalog
	Ledger   Ledger
	Callers  Callers
	Keys     Keys
	Policies Policies
	Consent  Consent
	Audit    Audit
	Lineage  Lineage
	Quotas   Quotas
	Log      *slog.Logger
	Now      func() time.Time

	Containment Containment // that of the control store when nil
	Alerts      Alerts      // likewise
	Record      Record      // likewise; its log is not signed

	Ready   func(context.Context) error // why the server cannot answer; always ready when nil
	Metrics prometheus.Registerer       // not measured when nil
	Regions residency.Regions           // that the server serves; all for the zero value

	MaxConcurrent int           // requests at a time; 256
	MaxUploads    int           // uploads at a time, beside them; 16
	MaxUpload     int64         // bytes of one upload; 16 GiB
	Rate          float64       // requests per second and principal; 1,000
	Burst         int           // requests at once and principal; 2,000
	AuthFailures  int           // failed authentications from one address before it waits; 50
	Timeout       time.Duration // of a request that is not an upload; 90 s
	UploadIdle    time.Duration // longest silence of an upload; 60 s
	ResponseSlot  time.Duration // answers of queries leave at multiples of it; as soon as they are ready when 0
}

func (o Options) withDefaults() (Options, error) {
	if o.DB == nil || o.Queries == nil || o.Loads == nil || o.Erasures == nil || o.Catalog == nil || o.Ledger == nil || o.Callers == nil || o.Keys == nil || o.Policies == nil || o.Consent == nil || o.Audit == nil || o.Lineage == nil || o.Quotas == nil || o.Log == nil || o.Now == nil {
		return o, errors.New("rest: an option that is required is missing")
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.Containment == nil {
		o.Containment = containment.New(o.DB, o.Now)
	}
	if o.Alerts == nil {
		o.Alerts = anomaly.New(anomaly.Options{DB: o.DB, Log: o.Log, Now: o.Now})
	}
	if o.Record == nil {
		o.Record = record.New(o.DB, release.New(o.DB), nil)
	}
	setDefault(&o.MaxConcurrent, 256)
	setDefault(&o.MaxUploads, 16)
	setDefault(&o.MaxUpload, 16<<30)
	setDefault(&o.Rate, 1000)
	setDefault(&o.Burst, 2000)
	setDefault(&o.AuthFailures, 50)
	setDefault(&o.Timeout, 90*time.Second)
	setDefault(&o.UploadIdle, time.Minute)
	return o, nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
