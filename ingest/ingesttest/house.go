// Package ingesttest is a data directory for tests of what is done with loads: its
// control store, contracts and tenants, the service that loads, in this process or in
// one that is killed, and looks at what all that left in its files.
//
// A package that tests with it makes its test binary a worker, by Main, and embeds
// House in a house that has what only that package needs.
package ingesttest

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
)

// Operator runs the server.
func Operator() privacy.Principal {
	return privacy.Principal{ID: "key_op", Role: privacy.RoleOperator}
}

// Admin accepts contracts for a tenant.
func Admin(tenant string) privacy.Principal {
	return privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: tenant}
}

// Contributor loads for a tenant.
func Contributor(tenant string) privacy.Principal {
	return privacy.Principal{ID: "key_" + tenant, Role: privacy.RoleContributor, Tenant: tenant}
}

// WantCode demands that an error has a code.
func WantCode(t testing.TB, err error, code privacy.Code) {
	t.Helper()
	if privacy.CodeOf(err) != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// House is a data directory and the services on it.
type House struct {
	T       testing.TB
	Dir     string
	DB      *controldb.DB
	Catalog *catalog.Catalog
	Held    *containment.Service
	Keys    *keyring.Ring    // nil until Seal
	Now     func() time.Time // what the clock shows; a test may change it while nothing runs
	Log     *slog.Logger     // shown where the test fails
	Jobs    *job.Service     // nil until Serve

	options job.Options
	mu      sync.Mutex
	removed []string
}

// Open opens a data directory, as a process that has not run yet.
func Open(t testing.TB, dir string) *House {
	t.Helper()
	var said bytes.Buffer
	h := &House{
		T: t, Dir: dir, DB: controltest.Open(t, filepath.Join(dir, storeFile)), Now: time.Now,
		Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	var err error
	h.options, err = options(dir, h.DB, func() time.Time { return h.Now() })
	h.Must(err)
	h.Catalog, h.Held = h.options.Catalog, h.options.Containment
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return h
}

// Must ends the test where there is an error.
func (h *House) Must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatal(err)
	}
}

// Options are those of a load service on the house's data, as it is now.
func (h *House) Options() job.Options {
	o := h.options
	o.Keys, o.Log = h.Keys, h.Log
	return o
}

// Serve makes a new service of loads on the same data, with what a test wants changed
// of its options.
func (h *House) Serve(change ...func(*job.Options)) {
	h.T.Helper()
	o := h.Options()
	for _, f := range change {
		f(&o)
	}
	var err error
	h.Jobs, err = job.New(o)
	h.Must(err)
}

// Start runs the service and returns what stops it; both wait for each other.
func (h *House) Start() (stop func()) {
	h.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	jobs := h.Jobs
	go func() { done <- jobs.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.T.Error(err)
		}
	})
	h.T.Cleanup(stop)
	return stop
}

// Seal gives the house keys: the services that are made from then on have them.
func (h *House) Seal() {
	h.Keys = keyring.New(h.DB, keyringtest.Wrapper{}, func() time.Time { return h.Now() })
}

// Put makes a contract the newest version of its dataset.
func (h *House) Put(doc string) error {
	h.T.Helper()
	c, err := contractparse.Parse([]byte(doc))
	h.Must(err)
	return h.Catalog.PutDataset(context.Background(), c, []byte(doc), Operator())
}

// Join has a tenant, which is made where there is none, accept a dataset's version.
func (h *House) Join(dataset, tenant string, version int) {
	h.T.Helper()
	if _, err := h.Catalog.Tenant(context.Background(), tenant); err != nil {
		_, err = h.Catalog.CreateTenant(context.Background(), tenant, "", Operator())
		h.Must(err)
	}
	h.Must(h.Catalog.Accept(context.Background(), dataset, tenant, version, Admin(tenant)))
}

// Head is what is current of a tenant in a dataset.
func (h *House) Head(dataset, tenant string) catalog.Generation {
	h.T.Helper()
	g, _, err := h.Catalog.Head(context.Background(), dataset, tenant)
	h.Must(err)
	return g
}

// Gone is told by a service which files it has removed.
func (h *House) Gone(paths ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removed = append(h.removed, paths...)
}

// Removed are the files that Gone was told of.
func (h *House) Removed() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.removed)
}
