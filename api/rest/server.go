package rest

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/rest/analysis"
	"github.com/noised/noised/api/rest/budgets"
	"github.com/noised/noised/api/rest/datasets"
	"github.com/noised/noised/api/rest/edge"
	"github.com/noised/noised/api/rest/loads"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/oversight"
	"github.com/noised/noised/api/rest/proposals"
	"github.com/noised/noised/api/rest/provenance"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/rest/tenants"
)

// Each area by a name of its own, under which it is embedded.
type (
	analysisArea   = analysis.Handlers
	budgetsArea    = budgets.Handlers
	datasetsArea   = datasets.Handlers
	loadsArea      = loads.Handlers
	oversightArea  = oversight.Handlers
	proposalsArea  = proposals.Handlers
	provenanceArea = provenance.Handlers
	tenantsArea    = tenants.Handlers
)

// handlers is all areas as one. That no operation of the document lacks a handler,
// and that none has two, is the compiler's to check; CreateLoad and CreateDataset,
// which read their bodies themselves, are checked where they are routed.
type handlers struct {
	analysisArea
	budgetsArea
	datasetsArea
	loadsArea
	oversightArea
	proposalsArea
	provenanceArea
	tenantsArea
	probes
}

var _ skeleton.StrictServerInterface = handlers{}

func newHandlers(o Options, document []byte) handlers {
	return handlers{
		analysisArea:   analysisArea{Queries: o.Queries, Now: o.Now},
		budgetsArea:    budgetsArea{Ledger: o.Ledger, Catalog: o.Catalog, Consent: o.Consent},
		datasetsArea:   datasetsArea{Catalog: o.Catalog, Consent: o.Consent, Queries: o.Queries, Deleter: o.Datasets},
		loadsArea:      loadsArea{Loads: o.Loads, Erasures: o.Erasures, MaxUpload: o.MaxUpload, Idle: o.UploadIdle, Grace: edge.SendGrace},
		oversightArea:  oversightArea{Policies: o.Policies, Containment: o.Containment, Alerts: o.Alerts, Audit: o.Audit, Tenants: o.Catalog},
		proposalsArea:  proposalsArea{Consent: o.Consent},
		provenanceArea: provenanceArea{Lineage: o.Lineage, Record: o.Record},
		tenantsArea:    tenantsArea{Catalog: o.Catalog, Keys: o.Keys, Quotas: o.Quotas, Regions: o.Regions},
		probes:         probes{ready: o.Ready, document: document},
	}
}

// NewServer returns the handler of the whole HTTP interface. Timeouts of
// connections (headers, idleness) are those of the http.Server around it.
func NewServer(o Options) (http.Handler, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	doc, text, err := operation.Document(context.Background())
	if err != nil {
		return nil, err
	}
	ops, err := operation.New(doc)
	if err != nil {
		return nil, err
	}
	e, err := edge.New(edge.Options{
		DB: o.DB, Operations: ops, Callers: o.Callers, Policies: o.Policies, Containment: o.Containment, Quotas: o.Quotas,
		Tenants: o.Catalog, Audit: o.Audit, Log: o.Log, Now: o.Now, Metrics: o.Metrics, Limits: o.Limits,
	})
	if err != nil {
		return nil, err
	}
	return headAsGet(routes(newHandlers(o, text), e.Steps()...)), nil
}

// routes registers every operation behind the line of steps.
func routes(h handlers, steps ...echo.MiddlewareFunc) *echo.Echo {
	e := echo.NewWithConfig(echo.Config{
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), // errors are logged at the edge, without values
		Router: echo.NewRouter(echo.RouterConfig{}),
	})
	e.Use(steps...)
	skeleton.RegisterHandlers(e, skeleton.NewStrictHandler(h, nil))
	e.POST("/v1/datasets/:dataset/loads", h.CreateLoad)
	e.POST("/v1/admin/datasets", h.CreateDataset)
	return e
}

// headAsGet answers HEAD as GET without the body, except for queries: there HEAD
// would spend budget for nothing.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && r.URL.Path != "/v1/query" {
			get := r.Clone(r.Context())
			get.Method = http.MethodGet
			w, r = bodiless{w}, get
		}
		next.ServeHTTP(w, r)
	})
}

// bodiless drops the body of an answer to HEAD.
type bodiless struct{ http.ResponseWriter }

func (b bodiless) Write(p []byte) (int, error) { return len(p), nil }
func (b bodiless) Unwrap() http.ResponseWriter { return b.ResponseWriter }
