package erase_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy/controldb"
)

// TestMain lets the test binary be its own worker, and a whole server process that can
// be killed.
func TestMain(m *testing.M) {
	os.Exit(ingesttest.Main(m, map[string]func([]string) int{"server": serve}))
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

var operator, admin, loader = ingesttest.Operator(), ingesttest.Admin("a"), ingesttest.Contributor("a")

// house is a data directory with the dataset shop and its member a.
type house struct {
	*ingesttest.House
	*erase.Service
}

// services are those that load and erase, in a test or in a process of its own.
func services(o job.Options, removed func(...string)) (*job.Service, *erase.Service, error) {
	jobs, err := job.New(o)
	if err != nil {
		return nil, nil, err
	}
	s, err := erase.New(erase.Options{
		DB: o.DB, Catalog: o.Catalog, Jobs: jobs, Containment: o.Containment, Dir: o.Dir, Removed: removed,
		Copies: func() error { return controldb.ForgetCopies(filepath.Join(o.Dir, "control.db"), time.Now()) },
		Retry:  50 * time.Millisecond, Log: o.Log, Now: o.Now,
	})
	jobs.Beside(s)
	return jobs, s, err
}

func open(t testing.TB, dir string) *house {
	t.Helper()
	h := &house{House: ingesttest.Open(t, dir)}
	var err error
	h.Jobs, h.Service, err = services(h.Options(), h.Gone)
	h.Must(err)
	return h
}

// newHouse is a house whose member has accepted the first version.
func newHouse(t testing.TB, scope, unit string) *house {
	t.Helper()
	h := open(t, t.TempDir())
	h.Must(h.Put(shopOf(1, scope, unit)))
	h.Join("shop", "a", 1)
	return h
}

// send records a load.
func (h *house) send(table, body string, edit ...func(*job.Request)) job.Load {
	h.T.Helper()
	r := job.Request{Dataset: "shop", Tenant: "a", Table: table, Format: "csv", By: loader}
	if table == "nation" {
		r.Tenant, r.By = "", operator
	}
	for _, e := range edit {
		e(&r)
	}
	return h.Send(r, body)
}

// load records a load and waits for its end.
func (h *house) load(table, body string, edit ...func(*job.Request)) job.Load {
	h.T.Helper()
	return h.Ended(h.send(table, body, edit...))
}

func (h *house) ask(units ...string) erase.Erasure {
	h.T.Helper()
	e, err := h.Create(context.Background(), erase.Request{Dataset: "shop", Tenant: "a", Units: units, By: loader})
	h.Must(err)
	return e
}

func (h *house) finished(id string) (e erase.Erasure) {
	h.T.Helper()
	h.Eventually("erasure "+id, func() bool {
		var err error
		e, err = h.Get(context.Background(), "a", id)
		h.Must(err)
		return e.State.Finished()
	})
	return e
}

// erase asks and waits for success.
func (h *house) erase(units ...string) erase.Erasure {
	h.T.Helper()
	e := h.finished(h.ask(units...).ID)
	if e.State != erase.StateSucceeded {
		h.T.Fatalf("the erasure %s: %+v", e.State, e.Error)
	}
	return e
}

func (h *house) head() catalog.Generation {
	h.T.Helper()
	return h.Head("shop", "a")
}

// stored returns everything that the current segments hold of a table, segment by
// segment in the order of rows, pseudonyms and ranks too.
func (h *house) stored(table string) []string {
	h.T.Helper()
	out := []string{}
	for i, seg := range h.head().Of(table) {
		rows := h.Query("SELECT CAST(rows AS VARCHAR) FROM s0.rows ORDER BY rowid", seg)
		if int64(len(rows)) != seg.Rows {
			h.T.Errorf("segment %d of %s has %d rows and says %d", i, table, len(rows), seg.Rows)
		}
		said := h.Query("SELECT value FROM s0.meta WHERE key = 'rows'", seg)
		if len(said) != 1 || said[0] != fmt.Sprint(len(rows)) {
			h.T.Errorf("segment %d of %s says of itself %v", i, table, said)
		}
		out = append(out, fmt.Sprintf("segment of %d loads, ranks %v, codes %v", seg.Appended, seg.Ranks, seg.Codes))
		out = append(out, rows...)
	}
	return out
}
