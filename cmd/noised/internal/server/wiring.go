package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/authn/certs"
	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/edge"
	"github.com/noised/noised/api/webhook"
	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/ingest/retire"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/flags"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/policy"
	"github.com/noised/noised/privacy/translog"
)

// parts are the server's parts that Main starts and stops.
type parts struct {
	ring        *keyring.Ring // may be off
	crypto      string        // the file of DuckDB's extension that encrypts; empty: none
	jobs        *job.Service
	erasures    *erase.Service
	engine      *duckdb.Engine
	queries     *query.Service
	policies    *policy.Service
	flags       *flags.Service // nil: everything is on
	audit       *audit.Recorder
	containment *containment.Service
	anomalies   *anomaly.Service
	webhook     *webhook.Sender // nil: alerts are sent nowhere
	handler     http.Handler
	keys        *authn.Keys
	tokens      *oidc.Verifier   // nil: none are accepted
	authority   *certs.Authority // nil: no certificates are accepted
	logKey      *translog.Key    // nil: the log is not signed
	closers     []func() error   // in the order in which they were opened
}

// close closes the parts, the last opened first.
func (p *parts) close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	return errors.Join(errs...)
}

// open builds every part over the data directory.
func (m *Main) open(ctx context.Context) (p *parts, err error) {
	p = &parts{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
			p = nil
		}
	}()
	c := m.Config
	regions, err := c.ServedRegions()
	if err != nil {
		return p, err
	}
	db, err := m.openStore(ctx, p)
	if err != nil {
		return p, err
	}
	parser, engine, err := m.openEngine(p)
	if err != nil {
		return p, err
	}
	now := time.Now
	p.containment = containment.New(db, now)
	cat, led, keys := catalog.New(db, now).WithKeys(p.ring), ledger.New(db, now), authn.New(db, now)
	quotas, err := quota.New(db, now, c.Quotas())
	if err != nil {
		return p, err
	}
	if err := m.sayRegions(ctx, cat, regions); err != nil {
		return p, err
	}
	if p.policies, err = m.openPolicies(ctx, db); err != nil {
		return p, fmt.Errorf("refusing to start with these policies: %w", err)
	}
	if err := m.openFlags(ctx, p); err != nil {
		return p, err
	}
	store := release.New(db).WithKeys(p.ring)
	asks := query.Options{
		Keys: p.ring, DB: db, Catalog: cat, Ledger: led, Store: store, Parser: parser, Engine: engine, Policies: p.policies, Containment: p.containment,
		DataDir: c.DataDir, Log: m.Log, Now: now, Timeout: c.QueryTimeout,
		ResponseSlot: c.ResponseSlot, Regions: regions, Quotas: quotas,
	}
	if p.flags != nil {
		asks.Features = p.flags
	}
	p.queries = query.New(asks)
	p.keys = keys
	callers, err := m.gate(p, keys)
	if err != nil {
		return p, err
	}
	workers, err := m.workers()
	if err != nil {
		return p, fmt.Errorf("cannot start the load service: %w", err)
	}
	agreed := consent.New(db, cat, led, now)
	onData, err := openData(job.Options{
		Keys: p.ring, CryptoExtension: p.crypto,
		DB: db, Catalog: cat, Dir: c.DataDir, Workers: workers, MaxUpload: c.MaxUpload, Regions: regions, Quotas: quotas,
		Concurrency: c.LoadConcurrency, KeepReplaced: c.KeepReplaced, Removed: engine.Forget, Containment: p.containment, Log: m.Log, Now: now,
	}, agreed.EndIn, retire.Of(led.AbandonIn), retire.Of(m.shredding(store)))
	if err != nil {
		return p, fmt.Errorf("cannot start the load service: %w", err)
	}
	p.jobs, p.erasures = onData.jobs, onData.erasures
	asked := &kept.Book{Ledger: led, Keys: p.ring}
	p.audit = audit.New(audit.Options{Keys: p.ring, DB: db, Log: m.Log, Now: now, Keep: c.KeepRefusals, Owners: owners(p.jobs, p.erasures, store, keys, agreed)})
	if err := m.sealPlain(ctx, atrest.Sealer{DB: db, Dir: c.DataDir, Keys: p.ring, Catalog: cat, Store: store, Asked: asked, Jobs: p.jobs, Audit: p.audit}); err != nil {
		return p, err
	}
	if err := m.alerting(p, db, asked); err != nil {
		return p, err
	}
	p.handler, err = rest.NewServer(rest.Options{
		Record: record.New(db, store, p.logKey),
		Audit:  p.audit, Lineage: lineage.New(db), Quotas: quotas, Containment: p.containment, Alerts: p.anomalies,
		Consent: agreed, DB: db, Catalog: cat, Ledger: led, Callers: callers, Keys: keys, Queries: p.queries, Loads: p.jobs, Erasures: p.erasures, Datasets: onData.retiring, Policies: p.policies,
		Log: m.Log, Now: now, Metrics: m.registry, Regions: regions, MaxUpload: c.MaxUpload, Ready: m.ready(db),
		Limits: edge.Limits{
			ResponseSlot: c.ResponseSlot, MaxConcurrent: c.MaxRequests, Rate: c.RequestRate, Burst: c.RequestBurst, AuthFailures: c.AuthFailures,
			Timeout: p.queries.Longest() + 30*time.Second, // an answer that was computed is also sent
		},
	})
	if err != nil {
		return p, fmt.Errorf("cannot start the API: %w", err)
	}
	return p, nil
}

// openFlags reads the file of flags; without one everything is on.
func (m *Main) openFlags(ctx context.Context, p *parts) error {
	if m.Config.FlagsFile == "" {
		return nil
	}
	var err error
	if p.flags, err = flags.Open(ctx, m.Config.FlagsFile, m.Log); err != nil {
		return err
	}
	p.closers = append(p.closers, p.flags.Close)
	return nil
}

// ready says why the server cannot answer: it is stopping, or its control store
// does not.
func (m *Main) ready(db *controldb.DB) func(context.Context) error {
	return func(ctx context.Context) error {
		if m.stopping.Load() {
			return errors.New("the server is stopping")
		}
		var one int
		return db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	}
}
