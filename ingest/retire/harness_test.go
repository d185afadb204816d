package retire_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/ingest/retire"
	"github.com/noised/noised/privacy/ledger"
)

// TestMain lets the test binary be its own worker.
func TestMain(m *testing.M) { os.Exit(ingesttest.Main(m, nil)) }

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

var operator, admin, loader = ingesttest.Operator(), ingesttest.Admin("a"), ingesttest.Contributor("a")

// house is a data directory with the datasets birds and trees, whose member is a. It is
// sealed.
type house struct {
	*ingesttest.House
	led      *ledger.Ledger
	releases *release.Store
	agreed   *consent.Service
	erasures *erase.Service
	*retire.Service
}

// open opens a data directory, as a process that has not run yet.
func open(t testing.TB, dir string) *house {
	t.Helper()
	h := &house{House: ingesttest.Open(t, dir)}
	h.Seal()
	h.Catalog.WithKeys(h.Keys)
	h.Serve()
	h.led, h.releases = ledger.New(h.DB, time.Now), release.New(h.DB).WithKeys(h.Keys)
	h.agreed = consent.New(h.DB, h.Catalog, h.led, time.Now)
	var err error
	h.erasures, err = erase.New(erase.Options{DB: h.DB, Catalog: h.Catalog, Jobs: h.Jobs, Containment: h.Held, Dir: dir, Log: h.Log, Now: time.Now})
	h.Must(err)
	h.Jobs.Beside(h.erasures)
	h.Service, err = retire.New(retire.Options{
		DB: h.DB, Catalog: h.Catalog, Loads: h.Jobs, Containment: h.Held, Dir: dir, Log: h.Log, Removed: h.Gone,
		Ends: []retire.Ender{h.agreed.EndIn, retire.Of(h.led.AbandonIn), retire.Of(h.shred), retire.Of(h.erasures.EndIn)},
	})
	h.Must(err)
	h.Jobs.Meanwhile(h.Sweep)
	return h
}

// shred has results shredded, which open.
func (h *house) shred(ctx context.Context, tx *sql.Tx, dataset string) error {
	unopened, err := h.releases.ShredIn(ctx, tx, dataset)
	if len(unopened) > 0 {
		h.T.Errorf("releases %v did not open", unopened)
	}
	return err
}

// newHouse is a house whose member has accepted both contracts.
func newHouse(t testing.TB) *house {
	t.Helper()
	h := open(t, t.TempDir())
	for _, name := range []string{"birds", "trees"} {
		h.Must(h.put(name))
		h.Join(name, "a", 1)
	}
	return h
}

func (h *house) put(name string) error {
	h.T.Helper()
	return h.Put(strings.ReplaceAll(birds, "%s", name))
}

func (h *house) swept(dataset string) {
	h.T.Helper()
	h.Eventually("the sweep of "+dataset, func() bool {
		return h.Number(`SELECT count(*) FROM deleted_datasets WHERE dataset = ? AND swept_at IS NOT NULL`, dataset) == 1
	})
}

// send records a load.
func (h *house) send(dataset, rows string) job.Load {
	h.T.Helper()
	bad := int64(1000)
	return h.Send(job.Request{Dataset: dataset, Tenant: "a", Format: "csv", MaxBadRecords: &bad, By: loader}, "person,place,n\n"+rows)
}

// load records a load and waits for its end.
func (h *house) load(dataset, rows string) job.Load {
	h.T.Helper()
	return h.Ended(h.send(dataset, rows))
}
