package retire_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog/verify"
)

// canary is what is recognisable of the rows of a dataset, and keep of those of another.
const (
	canary = "ca7a12fe55aa4711"
	keep   = "4eeb1234c0ffee00"
)

// rows are of forty people; some are rejected.
func rows(word string) string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "%s-%d,%s-%d,%d\n", word, i, word, i%3, i%10)
		if i%9 == 0 {
			fmt.Fprintf(&b, "%d,x,%s\n", i, word)
		}
	}
	return b.String()
}

var limit = privacy.Loss{Epsilon: 1, Delta: 1e-6}

// charge spends half of what the dataset's account and the tenant's account in it have.
func (h *house) charge(key string) ledger.Charge {
	h.T.Helper()
	c, err := h.led.Charge(context.Background(), ledger.Request{
		Key: key, Principal: "key_p", Dataset: "birds", Tenants: []string{"a"}, DatasetAccount: true, Loss: limit, Cost: privacy.Cost{Mu2: privacy.CapOf(limit).Mu2 / 2},
	})
	h.Must(err)
	return c
}

// release stores a result for a charge.
func (h *house) release(c ledger.Charge, result string) string {
	h.T.Helper()
	id := privacy.NewID("rel")
	h.Must(h.DB.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		if err := h.led.Redeem(ctx, tx, c.ID, id); err != nil {
			return err
		}
		if err := h.releases.Put(ctx, tx, release.Core{Key: c.Key, Charge: c.ID, Noised: []byte(result), Release: release.Release{
			ID: id, Dataset: "birds", ContractVersion: 1, Epsilon: 1, Delta: 1e-6, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
		}}); err != nil {
			return err
		}
		_, err := h.releases.Serve(ctx, tx, release.View{Release: id, Principal: "key_p", SQL: "SELECT 1", Result: []byte(result)})
		return err
	}))
	return id
}

func (h *house) budgets() {
	h.T.Helper()
	ctx := context.Background()
	h.Must(h.led.SetBudget(ctx, privacy.DatasetAccount("birds"), ledger.Budget{Cap: limit}, operator))
	h.Must(h.led.SetBudget(ctx, privacy.TenantAccount("a"), ledger.Budget{Cap: privacy.Loss{Epsilon: 9, Delta: 1e-5}}, operator))
	h.Must(h.led.SetDefault(ctx, privacy.AccountTenantDataset, "a", &limit, operator))
}

func (h *house) states() (out []ledger.State) {
	h.T.Helper()
	for _, a := range []privacy.Account{privacy.DatasetAccount("birds"), privacy.TenantDatasetAccount("a", "birds"), privacy.TenantAccount("a")} {
		s, err := h.led.State(context.Background(), a)
		h.Must(err)
		out = append(out, s)
	}
	return out
}

// verified demands that the log holds.
func (h *house) verified() {
	h.T.Helper()
	h.Must(h.DB.View(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		report, err := verify.Run(ctx, tx, verify.Options{Open: h.releases.Unseal})
		for _, p := range report.Problems {
			h.T.Errorf("leaf %d: %s", p.Leaf, p.What)
		}
		return err
	}))
}

// TestADeletedDatasetLeavesItsRecord: rows, results and keys are gone, and nothing of
// another dataset; budgets, charges and the log are as they were, the name is not used
// again.
func TestADeletedDatasetLeavesItsRecord(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.Start()
	h.load("trees", rows(keep))
	for range 2 {
		if l := h.load("birds", rows(canary)); l.State != job.StateSucceeded || l.RowsRejected == 0 {
			t.Fatalf("%+v", l)
		}
	}
	h.budgets()
	id := h.release(h.charge("k1"), "result "+canary)
	pending := h.charge("k2")
	before, charges := h.states(), h.Number(`SELECT count(*) FROM charges`)
	if h.Holding(canary) == nil {
		t.Fatal("nothing is there to be deleted")
	}
	ingesttest.WantCode(t, h.Delete(ctx, "birds", admin), privacy.CodeForbidden)
	ingesttest.WantCode(t, h.Delete(ctx, "fish", operator), privacy.CodeUnknownDataset)
	keys := h.Number(`SELECT count(*) FROM data_keys WHERE name = 'segment:' || (SELECT min(id) FROM segments WHERE path LIKE 'tenants/a/trees/%') OR name LIKE 'rejects:%'`)

	h.Must(h.Delete(ctx, "birds", operator))
	h.swept("birds")
	if left := h.Holding(canary); left != nil {
		t.Errorf("it is in %v", left)
	}
	if h.Holding(keep) == nil {
		t.Error("another dataset went with it")
	}
	if now := h.Number(`SELECT count(*) FROM data_keys WHERE name LIKE 'segment:%' OR name LIKE 'rejects:%' OR name LIKE 'upload:%'`); now != 1 || keys != 3 {
		t.Errorf("%d keys are left of %d, want that of the other's rejected rows", now, keys)
	}
	if gone := h.Removed(); len(gone) != 2 {
		t.Errorf("told of %v", gone)
	}
	for i, s := range h.states() {
		if s.Remaining != before[i].Remaining || s.SpentLifetime != before[i].SpentLifetime || s.Lifetime != before[i].Lifetime {
			t.Errorf("%s had %+v and has %+v", s.Account, before[i], s)
		}
	}
	if now := h.Number(`SELECT count(*) FROM charges`); now != charges {
		t.Errorf("%d charges of %d", now, charges)
	}
	if c, live, err := h.led.Lookup(ctx, pending.Key); err != nil || live {
		t.Errorf("%+v waits for ever (%v)", c, err)
	}
	_, err := h.releases.Read(ctx, "key_p", id)
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
	list, _, err := h.releases.List(ctx, "key_p", "", 10)
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].SQL != "SELECT 1" {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := h.releases.Logged(ctx, id); err != nil {
		t.Error(err)
	}
	h.verified()
	ingesttest.WantCode(t, h.Delete(ctx, "birds", operator), privacy.CodeUnknownDataset)
	ingesttest.WantCode(t, h.put("birds"), privacy.CodeConflict)
	ingesttest.WantCode(t, h.Catalog.Accept(ctx, "birds", "a", 1, admin), privacy.CodeUnknownDataset)
	_, err = h.Catalog.Secrets(ctx, "birds", "a")
	ingesttest.WantCode(t, err, privacy.CodeUnknownDataset)
	if all, err := h.Catalog.Datasets(ctx); err != nil || len(all) != 1 || all[0].Name != "trees" {
		t.Errorf("%+v %v", all, err)
	}
	_, err = h.Held.Suspend(ctx, containment.KindDataset, "birds", "a test", operator)
	ingesttest.WantCode(t, err, privacy.CodeUnknownDataset)
}

// TestWhatWaitsEnds: loads, erasures, proposals and templates of the dataset, and a run.
func TestWhatWaitsEnds(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	stop := h.Start()
	h.load("birds", rows(canary))
	stop()
	waiting := h.send("birds", rows(canary))
	other := h.send("trees", rows(keep))
	erasure, err := h.erasures.Create(ctx, erase.Request{Dataset: "birds", Tenant: "a", Units: []string{"1"}, By: loader})
	h.Must(err)
	_, err = h.agreed.PutTemplate(ctx, "birds", "all", &template.Template{SQL: "SELECT COUNT(*) AS n FROM birds", Epsilon: 1}, operator)
	h.Must(err)
	h.suspendAndLift()
	run, done, err := h.Held.Track(ctx, containment.Touches{Principal: privacy.Principal{ID: "key_p", Role: privacy.RoleAnalyst}, Dataset: "birds", Tenants: []string{"a"}})
	h.Must(err)
	defer done()

	h.Must(h.Delete(ctx, "birds", operator))
	<-run.Done()
	if cause := context.Cause(run); !containment.Is(cause) || !h.Held.Deleted("birds") {
		t.Errorf("stopped because of %v", cause)
	}
	if l := h.Latest(waiting); l.State != job.StateCancelled || l.Error == nil || l.Error.Message != "the dataset was deleted" || l.FinishedAt == nil {
		t.Errorf("%+v", l)
	}
	if e, err := h.erasures.Get(ctx, "a", erasure.ID); err != nil || e.State != erase.StateFailed {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := h.agreed.Template(ctx, "birds", "all"); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("the template is still asked: %v", err)
	}
	_, err = h.Jobs.Create(ctx, job.Request{Dataset: "birds", Tenant: "a", Format: "csv", By: loader}, strings.NewReader("person,place,n\n"))
	ingesttest.WantCode(t, err, privacy.CodeUnknownDataset)
	h.Start()
	h.swept("birds")
	h.Wait(other, func(s job.State) bool { return s == job.StateSucceeded })
	if left := h.Holding(canary); left != nil {
		t.Errorf("it is in %v", left)
	}
	h.verified()
}

// suspendAndLift has the dataset suspended, which its deletion ends as well.
func (h *house) suspendAndLift() {
	h.T.Helper()
	_, err := h.Held.Suspend(context.Background(), containment.KindDataset, "birds", "a test", operator)
	h.Must(err)
	h.Must(h.Held.Lift(context.Background(), containment.KindDataset, "birds", operator))
}

// TestALoadThatRunsPublishesNothing: it is stopped, wherever it is, and leaves no file.
func TestALoadThatRunsPublishesNothing(t *testing.T) {
	for name, files := range map[string]string{"begun": "", "reading": "tmp/loads/*/*", "written": "tmp/loads/*/*.duckdb", "in place": "tenants/a/birds/*"} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			stop := h.Start()
			l := h.send("birds", rows(canary))
			h.Eventually("the load to be there", func() bool {
				there, err := filepath.Glob(filepath.Join(h.Dir, files))
				h.Must(err)
				state := h.Latest(l).State
				return state.Finished() || state == job.StateRunning && there != nil
			})
			h.Must(h.Delete(t.Context(), "birds", operator))
			h.swept("birds")
			stop() // which waits for it
			if left := h.Holding(canary); left != nil {
				t.Errorf("it is in %v", left)
			}
			if n := h.Number(`SELECT count(*) FROM generations WHERE superseded_at IS NULL`); n != 0 {
				t.Error("it was published")
			}
		})
	}
}

// TestASweepThatFailsIsMadeAgain: by the same process, and by the next one.
func TestASweepThatFailsIsMadeAgain(t *testing.T) {
	h := newHouse(t)
	stop := h.Start()
	l := h.load("birds", rows(canary))
	stop()
	h.Must(h.Delete(t.Context(), "birds", operator))
	// A directory in the place of a file cannot be removed while there is something in it.
	path := filepath.Join(h.Dir, "tenants", "a", "rejects", l.ID+".ndjson")
	h.Must(os.Remove(path))
	h.Must(os.MkdirAll(filepath.Join(path, "within"), 0o700))
	h.Sweep(t.Context())
	if n := h.Number(`SELECT count(*) FROM deleted_datasets WHERE swept_at IS NULL`); n != 1 {
		t.Error("it passed for swept")
	}
	h.Must(os.RemoveAll(path))
	next := open(t, h.Dir)
	next.Sweep(t.Context())
	next.swept("birds")
	if files, _ := filepath.Glob(filepath.Join(h.Dir, "tenants", "a", "birds", "*")); files != nil {
		t.Errorf("left: %v", files)
	}
}

// TestADatasetCalledRejects has its files beside the rejected rows of others.
func TestADatasetCalledRejects(t *testing.T) {
	h := newHouse(t)
	h.Must(h.put("rejects"))
	h.Join("rejects", "a", 1)
	h.Start()
	h.load("rejects", rows(canary))
	l := h.load("trees", rows(keep))
	h.Must(h.Delete(t.Context(), "rejects", operator))
	h.swept("rejects")
	files, err := os.ReadDir(filepath.Join(h.Dir, "tenants", "a", "rejects"))
	h.Must(err)
	if !slices.ContainsFunc(files, func(e os.DirEntry) bool { return e.Name() == l.ID+".ndjson" }) || len(files) != 1 {
		t.Errorf("%v", files)
	}
}
