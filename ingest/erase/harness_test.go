package erase_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
)

// TestMain lets the test binary be its own worker, and a whole server process that can
// be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "worker":
			os.Exit(worker.Main(context.Background(), os.Stdin, os.Stdout))
		case "server":
			os.Exit(serve(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

// shop has people, their orders, which reach them by a foreign key, and what was
// ordered, which reaches them through the orders.
const shop = `
dataset: shop
version: %d
privacy_unit: {column: customer.c_id, scope: %s}
contribution: {max_partitions: 5, max_rows_per_partition: 5}
tables:
  nation:   {public: true, columns: {n_id: {type: integer, role: dimension}, n_name: {type: varchar, role: dimension}}}
  customer: {columns: {c_id: {type: %s, role: unit}, c_city: {type: varchar, role: dimension, domain: {values: [ulm, bonn]}}, c_note: {type: varchar, role: dimension, domain: private}}}
  orders:
    unit: {via: "o_customer -> customer.c_id"}
    columns: {o_id: {type: bigint, role: key}, o_customer: {type: %s, role: key}, o_day: {type: date, role: dimension}}
  lineitem:
    unit: {via: "l_order -> orders.o_id"}
    columns: {l_order: {type: bigint, role: key}, l_price: {type: integer, role: measure, bounds: [0, 100]}}
`

func shopOf(version int, scope, unit string) string {
	return fmt.Sprintf(shop, version, scope, unit, unit)
}

var (
	operator = privacy.Principal{ID: "key_op", Role: privacy.RoleOperator}
	admin    = privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: "a"}
	loader   = privacy.Principal{ID: "key_a", Role: privacy.RoleContributor, Tenant: "a"}
)

// house is a data directory with the dataset shop and its member a.
type house struct {
	t       testing.TB
	dir     string
	db      *controldb.DB
	cat     *catalog.Catalog
	jobs    *job.Service
	held    *containment.Service
	mu      sync.Mutex
	removed []string // files that the service said are gone
	*erase.Service
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// services opens a data directory.
func services(dir string, log *slog.Logger, removed func(...string)) (*house, error) {
	h := &house{dir: dir}
	var err error
	if h.db, err = controldb.Open(context.Background(), filepath.Join(dir, "control.db")); err != nil {
		return nil, err
	}
	h.cat, h.held = catalog.New(h.db, time.Now), containment.New(h.db, time.Now)
	workers, err := child.New(child.Options{Command: []string{os.Args[0], "worker"}, MemoryMB: 300})
	if err != nil {
		return nil, err
	}
	h.jobs, err = job.New(job.Options{
		DB: h.db, Catalog: h.cat, Dir: dir, Workers: workers, MaxUpload: 1 << 20, Concurrency: 2, CompactAfter: -1,
		Containment: h.held, Log: log, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	h.Service, err = erase.New(erase.Options{
		DB: h.db, Catalog: h.cat, Jobs: h.jobs, Containment: h.held, Dir: dir, Removed: removed, Copies: func() error { return controldb.ForgetCopies(filepath.Join(dir, "control.db"), time.Now()) }, Retry: 50 * time.Millisecond, Log: log, Now: time.Now,
	})
	h.jobs.Beside(h.Service)
	return h, err
}

func open(t testing.TB, dir string) *house {
	t.Helper()
	var h *house
	var err error
	var log bytes.Buffer
	h, err = services(dir, slog.New(slog.NewTextHandler(&log, nil)), func(paths ...string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.removed = append(h.removed, paths...)
	})
	if err != nil {
		t.Fatal(err)
	}
	h.t = t
	t.Cleanup(func() {
		_ = h.db.Close()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return h
}

// newHouse is a house whose member has accepted the first version.
func newHouse(t testing.TB, scope, unit string) *house {
	t.Helper()
	h := open(t, t.TempDir())
	h.put(shopOf(1, scope, unit))
	_, err := h.cat.CreateTenant(context.Background(), "a", "", operator)
	h.must(err)
	h.accept(1)
	return h
}

func (h *house) put(doc string) {
	h.t.Helper()
	c, err := contractparse.Parse([]byte(doc))
	h.must(err)
	h.must(h.cat.PutDataset(context.Background(), c, []byte(doc), operator))
}

func (h *house) accept(version int) {
	h.t.Helper()
	h.must(h.cat.Accept(context.Background(), "shop", "a", version, admin))
}

// run starts the service and returns what stops it; both wait for each other.
func (h *house) run() (stop func()) {
	h.t.Helper()
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
	deadline := time.After(5 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// send records a load.
func (h *house) send(table, body string, edit ...func(*job.Request)) job.Load {
	h.t.Helper()
	r := job.Request{Dataset: "shop", Tenant: "a", Table: table, Format: "csv", By: loader}
	if table == "nation" {
		r.Tenant, r.By = "", operator
	}
	for _, e := range edit {
		e(&r)
	}
	l, err := h.jobs.Create(context.Background(), r, strings.NewReader(body))
	h.must(err)
	return l
}

// load records a load and waits for its end.
func (h *house) load(table, body string, edit ...func(*job.Request)) job.Load {
	h.t.Helper()
	l := h.send(table, body, edit...)
	tenant := l.Tenant
	h.eventually("load "+l.ID, func() bool {
		var err error
		l, err = h.jobs.Get(context.Background(), tenant, l.ID)
		h.must(err)
		return l.State.Finished()
	})
	return l
}

func (h *house) ask(units ...string) erase.Erasure {
	h.t.Helper()
	e, err := h.Create(context.Background(), erase.Request{Dataset: "shop", Tenant: "a", Units: units, By: loader})
	h.must(err)
	return e
}

func (h *house) finished(id string) (e erase.Erasure) {
	h.t.Helper()
	h.eventually("erasure "+id, func() bool {
		var err error
		e, err = h.Get(context.Background(), "a", id)
		h.must(err)
		return e.State.Finished()
	})
	return e
}

// erase asks and waits for success.
func (h *house) erase(units ...string) erase.Erasure {
	h.t.Helper()
	e := h.finished(h.ask(units...).ID)
	if e.State != erase.StateSucceeded {
		h.t.Fatalf("the erasure %s: %+v", e.State, e.Error)
	}
	return e
}

func (h *house) head() catalog.Generation {
	h.t.Helper()
	g, _, err := h.cat.Head(context.Background(), "shop", "a")
	h.must(err)
	return g
}

// stored returns everything that the current segments hold of a table, segment by
// segment in the order of rows, pseudonyms and ranks too.
func (h *house) stored(table string) []string {
	h.t.Helper()
	out := []string{}
	for i, seg := range h.head().Of(table) {
		rows := h.query(seg.Path, "SELECT CAST(rows AS VARCHAR) FROM seg.rows ORDER BY rowid")
		if int64(len(rows)) != seg.Rows {
			h.t.Errorf("segment %d of %s has %d rows and says %d", i, table, len(rows), seg.Rows)
		}
		said := h.query(seg.Path, "SELECT value FROM seg.meta WHERE key = 'rows'")
		if len(said) != 1 || said[0] != fmt.Sprint(len(rows)) {
			h.t.Errorf("segment %d of %s says of itself %v", i, table, said)
		}
		out = append(out, fmt.Sprintf("segment of %d loads, ranks %v, codes %v", seg.Appended, seg.Ranks, seg.Codes))
		out = append(out, rows...)
	}
	return out
}

func (h *house) query(path, q string) []string {
	h.t.Helper()
	db, err := sql.Open("duckdb", "")
	h.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("ATTACH '" + filepath.Join(h.dir, path) + "' AS seg (READ_ONLY)")
	h.must(err)
	rows, err := db.Query(q)
	h.must(err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		h.must(rows.Scan(&s))
		out = append(out, s)
	}
	h.must(rows.Err())
	return out
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

// files returns the names in a directory of the house.
func (h *house) files(under string) (names []string) {
	h.t.Helper()
	there, err := os.ReadDir(filepath.Join(h.dir, under))
	h.must(err)
	for _, entry := range there {
		names = append(names, entry.Name())
	}
	return names
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
