package job_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
)

// TestMain lets the test binary be its own worker, and a whole server process
// that can be killed.
func TestMain(m *testing.M) {
	os.Exit(ingesttest.Main(m, map[string]func([]string) int{"stuck-worker": stuck, "server": serve}))
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

var operator, admin = ingesttest.Operator(), ingesttest.Admin("a")

// house is a data directory with the dataset ratings and its member a.
type house struct{ *ingesttest.House }

func open(t testing.TB, dir string, command ...string) *house {
	t.Helper()
	h := &house{ingesttest.Open(t, dir)}
	h.Serve(h.noting, func(o *job.Options) {
		var err error
		o.Workers, err = ingesttest.Workers(command...)
		h.Must(err)
	})
	return h
}

// noting has the house told of files that are gone.
func (h *house) noting(o *job.Options) { o.Removed = h.Gone }

// restart makes a new service on the same data, which merges tables that have
// rested for so long; never when that is negative.
func (h *house) restart(compactAfter time.Duration) {
	h.T.Helper()
	h.Serve(h.noting, func(o *job.Options) { o.CompactAfter = compactAfter })
}

func newHouse(t testing.TB, command ...string) *house {
	t.Helper()
	h := open(t, t.TempDir(), command...)
	h.Must(h.Put(fmt.Sprintf(ratings, 1)))
	h.join("a", 1)
	return h
}

func (h *house) join(tenant string, version int) {
	h.T.Helper()
	h.Join("ratings", tenant, version)
}

func request(edit ...func(*job.Request)) job.Request {
	r := job.Request{Dataset: "ratings", Tenant: "a", Format: "csv", By: ingesttest.Contributor("a")}
	for _, e := range edit {
		e(&r)
	}
	return r
}

// runOnce runs the service until it has recovered, swept and run what was
// there.
func (h *house) runOnce() {
	h.T.Helper()
	stop := h.Start()
	h.Load(request(func(r *job.Request) { r.DryRun = true }), "person,city,rating\n")
	stop()
}

func (h *house) head() catalog.Generation {
	h.T.Helper()
	return h.Head("ratings", "a")
}

// rows returns the rows that a query of tenant a would see, without pseudonyms.
func (h *house) rows() []string {
	h.T.Helper()
	segments := h.head().Segments
	all := "SELECT NULL::UBIGINT AS _unit, NULL::VARCHAR AS city, NULL::TINYINT AS rating WHERE false"
	for i := range segments {
		all += fmt.Sprintf(" UNION ALL SELECT _unit, city, rating FROM s%d.rows", i)
	}
	return h.Query("SELECT city || '/' || rating FROM ("+all+") ORDER BY ALL", segments...)
}
