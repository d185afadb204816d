package retire_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/ingest/retire"
	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
	"github.com/noised/noised/privacy/ledger"
)

// TestMain lets the test binary be its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		os.Exit(worker.Main(context.Background(), os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

const birds = `
dataset: %s
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 5, max_rows_per_partition: 5}
columns:
  person: {type: varchar, role: unit}
  place:  {type: varchar, role: dimension, domain: private}
  n:      {type: integer, role: measure, bounds: [0, 10]}
`

var (
	operator = privacy.Principal{ID: "key_op", Role: privacy.RoleOperator}
	admin    = privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: "a"}
	loader   = privacy.Principal{ID: "key_a", Role: privacy.RoleContributor, Tenant: "a"}
)

// house is a data directory with the datasets birds and trees, whose member is a.
type house struct {
	t        testing.TB
	dir      string
	db       *controldb.DB
	ring     *keyring.Ring
	cat      *catalog.Catalog
	led      *ledger.Ledger
	releases *release.Store
	agreed   *consent.Service
	held     *containment.Service
	jobs     *job.Service
	erasures *erase.Service
	mu       sync.Mutex
	removed  []string // files that the service said are gone
	*retire.Service
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// open opens a data directory, as a process that has not run yet.
func open(t testing.TB, dir string) *house {
	t.Helper()
	h := &house{t: t, dir: dir}
	var err error
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	h.db, err = controldb.Open(context.Background(), filepath.Join(dir, "control.db"))
	h.must(err)
	t.Cleanup(func() {
		_ = h.db.Close()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	h.ring = keyring.New(h.db, keyringtest.Wrapper{}, time.Now)
	h.cat, h.led, h.held = catalog.New(h.db, time.Now).WithKeys(h.ring), ledger.New(h.db, time.Now), containment.New(h.db, time.Now)
	h.releases, h.agreed = release.New(h.db).WithKeys(h.ring), consent.New(h.db, h.cat, h.led, time.Now)
	workers, err := child.New(child.Options{Command: []string{os.Args[0], "worker"}, MemoryMB: 300})
	h.must(err)
	h.jobs, err = job.New(job.Options{
		DB: h.db, Catalog: h.cat, Keys: h.ring, Dir: dir, Workers: workers, CompactAfter: -1, Containment: h.held, Log: logger, Now: time.Now,
	})
	h.must(err)
	h.erasures, err = erase.New(erase.Options{DB: h.db, Catalog: h.cat, Jobs: h.jobs, Containment: h.held, Dir: dir, Log: logger, Now: time.Now})
	h.must(err)
	h.jobs.Beside(h.erasures)
	h.Service, err = retire.New(retire.Options{
		DB: h.db, Catalog: h.cat, Loads: h.jobs, Containment: h.held, Dir: dir, Log: logger,
		Ends: []retire.Ender{h.agreed.EndIn, retire.Of(h.led.AbandonIn), retire.Of(h.releases.ShredIn), retire.Of(h.erasures.EndIn)},
		Removed: func(paths ...string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.removed = append(h.removed, paths...)
		},
	})
	h.must(err)
	return h
}

// newHouse is a house whose member has accepted both contracts.
func newHouse(t testing.TB) *house {
	t.Helper()
	h := open(t, t.TempDir())
	_, err := h.cat.CreateTenant(context.Background(), "a", "", operator)
	h.must(err)
	for _, name := range []string{"birds", "trees"} {
		h.must(h.put(name))
		h.must(h.cat.Accept(context.Background(), name, "a", 1, admin))
	}
	return h
}

func (h *house) put(name string) error {
	h.t.Helper()
	doc := []byte(strings.ReplaceAll(birds, "%s", name))
	c, err := contractparse.Parse(doc)
	h.must(err)
	return h.cat.PutDataset(context.Background(), c, doc, operator)
}

// run starts the loads and what sweeps, and returns what stops them.
func (h *house) run() (stop func()) {
	h.t.Helper()
	h.jobs.Meanwhile(h.Sweep)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.jobs.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
	h.t.Cleanup(stop)
	return stop
}

func (h *house) eventually(what string, done func() bool) {
	h.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (h *house) swept(dataset string) {
	h.t.Helper()
	h.eventually("the sweep of "+dataset, func() bool {
		return h.number(`SELECT count(*) FROM deleted_datasets WHERE dataset = ? AND swept_at IS NOT NULL`, dataset) == 1
	})
}

// send records a load.
func (h *house) send(dataset, rows string) job.Load {
	h.t.Helper()
	bad := int64(1000)
	l, err := h.jobs.Create(context.Background(), job.Request{Dataset: dataset, Tenant: "a", Format: "csv", MaxBadRecords: &bad, By: loader},
		strings.NewReader("person,place,n\n"+rows))
	h.must(err)
	return l
}

func (h *house) get(id string) job.Load {
	h.t.Helper()
	l, err := h.jobs.Get(context.Background(), "a", id)
	h.must(err)
	return l
}

// load records a load and waits for its end.
func (h *house) load(dataset, rows string) job.Load {
	h.t.Helper()
	l := h.send(dataset, rows)
	h.eventually("load "+l.ID, func() bool { return h.get(l.ID).State.Finished() })
	return h.get(l.ID)
}

// holds returns the files of the house that hold a text. Another process looks: one that
// opens and closes the store's file beside SQLite takes its locks away.
func (h *house) holds(text string) []string {
	h.t.Helper()
	found, err := exec.Command("grep", "-rlaF", text, h.dir).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // none does
		return nil
	}
	h.must(err)
	return strings.Fields(string(found))
}

// number reads one whole number of the control store.
func (h *house) number(query string, args ...any) (n int64) {
	h.t.Helper()
	h.must(h.db.QueryRowContext(context.Background(), query, args...).Scan(&n))
	return n
}

func wantCode(t testing.TB, err error, code privacy.Code) {
	t.Helper()
	if privacy.CodeOf(err) != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}
