package job_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/keyring"
)

// TestMain lets the test binary be its own worker, and a whole server process
// that can be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "worker":
			os.Exit(worker.Main(context.Background(), os.Stdin, os.Stdout))
		case "stuck-worker":
			_, _ = io.Copy(io.Discard, os.Stdin) // until its server lets go of it
			os.Exit(0)
		case "server":
			os.Exit(serve(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

// workers runs a command in the place of workers; workers where there is none.
func workers(t testing.TB, command ...string) *child.Runner {
	t.Helper()
	if len(command) == 0 {
		command = workerCommand()
	}
	r, err := child.New(child.Options{Command: command, MemoryMB: 300})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// workerCommand is this binary as a worker, or a program that was built for it: a
// binary of the race detector takes many times as long to start and to load, and has
// nothing to find in a process that ingest/worker's tests run by themselves.
func workerCommand() []string {
	if program := os.Getenv("NOISED_TEST_WORKER"); program != "" {
		return []string{program, "worker"}
	}
	return []string{os.Args[0], "worker"}
}

const ratings = `
dataset: ratings
version: %d
privacy_unit: {column: person, scope: person}
contribution: {max_partitions: 5, max_rows_per_partition: 5}
columns:
  person: {type: bigint, role: unit}
  city:   {type: varchar, role: dimension, domain: private}
  rating: {type: tinyint, role: measure, bounds: [1, 5]}
`

var (
	operator = privacy.Principal{ID: "key_op", Role: privacy.RoleOperator}
	admin    = privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: "a"}
)

func contributor(tenant string) privacy.Principal {
	return privacy.Principal{ID: "key_" + tenant, Role: privacy.RoleContributor, Tenant: tenant}
}

// house is a data directory with the dataset ratings and its member a.
type house struct {
	t       testing.TB
	dir     string
	db      *controldb.DB
	cat     *catalog.Catalog
	now     func() time.Time
	removed []string // files that the service said are gone
	keys    *keyring.Ring
	*job.Service
}

func open(t testing.TB, dir string, command ...string) *house {
	t.Helper()
	db := controltest.Open(t, filepath.Join(dir, "control.db"))
	h := &house{t: t, dir: dir, db: db, now: time.Now}
	h.cat = catalog.New(db, func() time.Time { return h.now() })
	h.restart(-1, command...)
	return h
}

// restart makes a new service on the same data, which merges tables that have
// rested for so long; never when that is negative.
func (h *house) restart(compactAfter time.Duration, command ...string) {
	h.t.Helper()
	var err error
	h.Service, err = job.New(job.Options{
		DB: h.db, Catalog: h.cat, Keys: h.keys, Dir: h.dir, Workers: workers(h.t, command...), MaxUpload: 1 << 20, Concurrency: 2, CompactAfter: compactAfter,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return h.now() },
		Removed: func(paths ...string) { h.removed = append(h.removed, paths...) },
	})
	h.must(err)
}

func newHouse(t testing.TB, command ...string) *house {
	t.Helper()
	h := open(t, t.TempDir(), command...)
	h.put(fmt.Sprintf(ratings, 1))
	h.join("a", 1)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) put(doc string) {
	h.t.Helper()
	c, err := contractparse.Parse([]byte(doc))
	h.must(err)
	h.must(h.cat.PutDataset(context.Background(), c, []byte(doc), operator))
}

func (h *house) join(tenant string, version int) {
	h.t.Helper()
	if _, err := h.cat.Tenant(context.Background(), tenant); err != nil {
		_, err = h.cat.CreateTenant(context.Background(), tenant, "", operator)
		h.must(err)
	}
	h.must(h.cat.Accept(context.Background(), "ratings", tenant, version, admin))
}

// run starts the service and returns what stops it; both wait for each other.
func (h *house) run() (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				h.t.Error(err)
			}
		})
	}
	h.t.Cleanup(stop)
	return stop
}

func request(edit ...func(*job.Request)) job.Request {
	r := job.Request{Dataset: "ratings", Tenant: "a", Format: "csv", By: contributor("a")}
	for _, e := range edit {
		e(&r)
	}
	return r
}

func (h *house) create(r job.Request, body string) job.Load {
	h.t.Helper()
	l, err := h.Create(context.Background(), r, strings.NewReader(body))
	h.must(err)
	return l
}

// runOnce runs the service until it has recovered, swept and run what was
// there.
func (h *house) runOnce() {
	h.t.Helper()
	stop := h.run()
	h.load(request(func(r *job.Request) { r.DryRun = true }), "person,city,rating\n")
	stop()
}

// eventually waits for something that another process or goroutine does.
func (h *house) eventually(what string, done func() bool) {
	h.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
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

// wait returns the load once it has reached a state that ok accepts.
func (h *house) wait(id string, ok func(job.State) bool) (l job.Load) {
	h.t.Helper()
	h.eventually("load "+id, func() bool {
		var err error
		l, err = h.Get(context.Background(), "a", id)
		h.must(err)
		return ok(l.State)
	})
	return l
}

func (h *house) finished(id string) job.Load {
	h.t.Helper()
	return h.wait(id, job.State.Finished)
}

// load creates a load and waits for its success.
func (h *house) load(r job.Request, body string) job.Load {
	h.t.Helper()
	l := h.finished(h.create(r, body).ID)
	if l.State != job.StateSucceeded {
		h.t.Fatalf("the load %s: %+v", l.State, l.Error)
	}
	return l
}

func (h *house) head() catalog.Generation {
	h.t.Helper()
	g, _, err := h.cat.Head(context.Background(), "ratings", "a")
	h.must(err)
	return g
}

// rows returns the rows that a query of tenant a would see, without pseudonyms.
func (h *house) rows() []string {
	h.t.Helper()
	return h.query("SELECT city || '/' || rating FROM (%s) ORDER BY ALL")
}

func (h *house) query(q string) []string {
	h.t.Helper()
	db, err := sql.Open("duckdb", "")
	h.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	all := "SELECT NULL::UBIGINT AS _unit, NULL::VARCHAR AS city, NULL::TINYINT AS rating WHERE false"
	for i, seg := range h.head().Segments {
		_, err := db.Exec(fmt.Sprintf("ATTACH '%s' AS s%d (READ_ONLY)", filepath.Join(h.dir, seg.Path), i))
		h.must(err)
		all += fmt.Sprintf(" UNION ALL SELECT _unit, city, rating FROM s%d.rows", i)
	}
	rows, err := db.Query(fmt.Sprintf(q, all))
	h.must(err)
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var s string
		h.must(rows.Scan(&s))
		out = append(out, s)
	}
	h.must(rows.Err())
	return out
}

// files returns the paths of all files below a directory of the house.
func (h *house) files(under string) []string {
	h.t.Helper()
	out := []string{}
	err := filepath.WalkDir(filepath.Join(h.dir, under), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(h.dir, path)
			out = append(out, filepath.ToSlash(rel))
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	h.must(err)
	return out
}

func wantCode(t testing.TB, err error, code privacy.Code) {
	t.Helper()
	if privacy.CodeOf(err) != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}
