package resttest

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/policy"
	"github.com/noised/noised/privacy/translog"
)

// Harness is a server over a real control store, with doubles for the two
// services that touch data. Every answer that passes through it is checked
// against the document.
type Harness struct {
	T        *testing.T
	DBPath   string
	DB       *controldb.DB
	Ledger   *ledger.Ledger
	Keys     *authn.Keys
	Clock    *Clock
	Policies *policy.Service
	Audit    *audit.Recorder
	Queries  *Queries
	Loads    *Loads
	Log      *Log
	Metrics  *prometheus.Registry
	URL      string
	Stop     func() // waits for every request to end
	router   routers.Router
	Secret   map[privacy.Role]string // of tenant a, where the role has one
	Foreign  map[privacy.Role]string // of tenant b
	ID       map[privacy.Role]string
}

// New starts a server with tenants a and b and a key of every role in each.
func New(t *testing.T, change ...func(*rest.Options)) *Harness {
	t.Helper()
	h := &Harness{
		T: t, DBPath: filepath.Join(t.TempDir(), "control.db"), Clock: &Clock{now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)},
		Queries: &Queries{}, Loads: newLoads(), Log: newLog(), Metrics: prometheus.NewRegistry(),
		Secret: map[privacy.Role]string{}, Foreign: map[privacy.Role]string{}, ID: map[privacy.Role]string{},
	}
	h.DB = controltest.Open(t, h.DBPath)
	cat := catalog.New(h.DB, h.Clock.Now)
	h.Ledger, h.Keys = ledger.New(h.DB, h.Clock.Now), authn.New(h.DB, h.Clock.Now)
	for _, tenant := range []string{"a", "b"} {
		if _, err := cat.CreateTenant(t.Context(), tenant, "", authn.System()); err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range privacy.Roles() {
		h.Secret[role], h.ID[role] = h.Key(role, "a")
		h.Foreign[role], _ = h.Key(role, "b")
	}
	schema, err := operation.PolicySchema()
	if err != nil {
		t.Fatal(err)
	}
	h.Policies, err = policy.Open(t.Context(), policy.Options{DB: h.DB, Schema: schema, Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	quotas, err := quota.New(h.DB, h.Clock.Now, quota.None())
	if err != nil {
		t.Fatal(err)
	}
	h.Audit = audit.New(audit.Options{DB: h.DB, Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now})
	file, _, err := translog.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := translog.ParseKey(file)
	if err != nil {
		t.Fatal(err)
	}
	o := rest.Options{
		Record:  record.New(h.DB, release.New(h.DB), signer),
		Consent: consent.New(h.DB, cat, h.Ledger, h.Clock.Now), Policies: h.Policies, Audit: h.Audit, Lineage: lineage.New(h.DB), Quotas: quotas, DB: h.DB, Queries: h.Queries, Loads: h.Loads, Erasures: Erasures{}, Datasets: Datasets{h.DB, cat}, Catalog: cat, Ledger: h.Ledger, Callers: &authn.Gate{Keys: h.Keys}, Keys: h.Keys,
		Log: slog.New(slog.NewTextHandler(h.Log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: h.Clock.Now, Metrics: h.Metrics,
	}
	for _, f := range change {
		f(&o)
	}
	handler, err := rest.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h.URL, h.Stop = server.URL, server.Close
	doc, _, err := operation.Document(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	doc.OpenAPI = "3.0.3"
	if h.router, err = gorillamux.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
	return h
}

// Key creates a key of a role; of a tenant unless the role must not have one.
func (h *Harness) Key(role privacy.Role, tenant string) (secret, id string) {
	h.T.Helper()
	if role == privacy.RoleOperator {
		tenant = ""
	}
	k, secret, err := h.Keys.Create(h.T.Context(), authn.KeyRequest{Role: role, Tenant: tenant}, authn.System())
	if err != nil {
		h.T.Fatal(err)
	}
	return secret, k.ID
}
