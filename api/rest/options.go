package rest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/api/rest/analysis"
	"github.com/noised/noised/api/rest/budgets"
	"github.com/noised/noised/api/rest/datasets"
	"github.com/noised/noised/api/rest/edge"
	"github.com/noised/noised/api/rest/loads"
	"github.com/noised/noised/api/rest/oversight"
	"github.com/noised/noised/api/rest/proposals"
	"github.com/noised/noised/api/rest/provenance"
	"github.com/noised/noised/api/rest/tenants"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
)

// Options holds what a server is wired from. Everything above the blank line is
// required; the rest has defaults.
type Options struct {
	DB       *controldb.DB // keeps the answers to repeated requests
	Queries  Queries
	Loads    loads.Loads
	Erasures loads.Erasures
	Catalog  Catalog
	Datasets datasets.Deleter
	Ledger   budgets.Ledger
	Callers  edge.Callers
	Keys     tenants.Keys
	Policies Policies
	Consent  Consent
	Audit    Audit
	Lineage  provenance.Lineage
	Quotas   Quotas
	Log      *slog.Logger
	Now      func() time.Time

	Containment Containment       // that of the control store when nil
	Alerts      oversight.Alerts  // likewise
	Record      provenance.Record // likewise; its log is not signed

	Ready   func(context.Context) error // why the server cannot answer; always ready when nil
	Metrics prometheus.Registerer       // not measured when nil
	Regions residency.Regions           // that the server serves; all for the zero value

	Limits     edge.Limits
	MaxUpload  int64         // bytes of one upload; 16 GiB
	UploadIdle time.Duration // longest silence of an upload; 60 s
}

// What several areas ask of one service, each its own part.
type (
	// Queries answers analysts, and tries templates.
	Queries interface {
		analysis.Queries
		datasets.Queries
	}
	// Catalog names tenants, datasets and members.
	Catalog interface {
		datasets.Catalog
		tenants.Catalog
		budgets.Catalog
		edge.Tenants
	}
	// Policies decides calls, and keeps the versions of what it decides by.
	Policies interface {
		edge.Policies
		oversight.Policies
	}
	// Consent makes changes, or keeps the proposals that wait for those who must
	// agree.
	Consent interface {
		datasets.Consent
		budgets.Consent
		proposals.Consent
	}
	// Containment knows what is suspended, and whose it is to suspend what.
	Containment interface {
		edge.Containment
		oversight.Containment
	}
	// Audit keeps refusals and finds them.
	Audit interface {
		edge.Audit
		oversight.Audit
	}
	// Quotas knows and sets what tenants may use.
	Quotas interface {
		edge.Quotas
		tenants.Quotas
	}
)

func (o Options) withDefaults() (Options, error) {
	if o.DB == nil || o.Queries == nil || o.Loads == nil || o.Erasures == nil || o.Catalog == nil || o.Datasets == nil || o.Ledger == nil || o.Callers == nil || o.Keys == nil || o.Policies == nil || o.Consent == nil || o.Audit == nil || o.Lineage == nil || o.Quotas == nil || o.Log == nil || o.Now == nil {
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
	if o.MaxUpload == 0 {
		o.MaxUpload = 16 << 30
	}
	if o.UploadIdle == 0 {
		o.UploadIdle = time.Minute
	}
	return o, nil
}
