package verify_test

import (
	"compress/gzip"
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/verify"
)

var admin = privacy.Principal{ID: "key_admin", Role: privacy.RoleBudgetAdmin, Tenant: "a"}

// world is a control store in which charges are made.
type world struct {
	t        testing.TB
	path     string
	db       *controldb.DB
	ledger   *ledger.Ledger
	releases *release.Store
	rand     *rand.Rand
	mu       sync.Mutex
	at       time.Time
	n        int
	paid     []ledger.Request // that were released
}

func open(t testing.TB, path string, seed uint64) *world {
	t.Helper()
	db, err := controldb.Open(t.Context(), path)
	ok(t, err)
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, path: path, db: db, releases: release.New(db), rand: rand.New(rand.NewPCG(seed, 1)), at: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}
	w.ledger = ledger.New(db, w.now)
	return w
}

// before opens a copy of a store that was written before charges had commitments
// for each tenant.
func before(t testing.TB) *world {
	t.Helper()
	return kept(t, "before")
}

// listed opens a copy of a store whose charges list a commitment for each tenant, as
// they did before there were trees.
func listed(t testing.TB) *world {
	t.Helper()
	return kept(t, "listed")
}

func kept(t testing.TB, name string) *world {
	t.Helper()
	in, err := os.Open(filepath.Join("testdata", name+".db.gz"))
	ok(t, err)
	defer in.Close()
	z, err := gzip.NewReader(in)
	ok(t, err)
	path := filepath.Join(t.TempDir(), "control.db")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	ok(t, err)
	_, err = io.Copy(out, z)
	ok(t, err)
	ok(t, out.Close())
	return open(t, path, 1)
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(1234567 * time.Nanosecond)
	return w.at
}

func (w *world) budgets() {
	w.t.Helper()
	ctx, big := w.t.Context(), privacy.Loss{Epsilon: 90, Delta: 1e-5}
	set := func(a privacy.Account, window privacy.Window) {
		ok(w.t, w.ledger.SetBudget(ctx, a, ledger.Budget{Cap: privacy.Loss{Epsilon: 80, Delta: 1e-5}, Lifetime: &big, Window: window}, admin))
	}
	for i, name := range []string{"a", "b", "c"} {
		set(privacy.TenantAccount(name), []privacy.Window{privacy.WindowDay, privacy.WindowWeek, privacy.WindowMonth}[i])
	}
	set(privacy.DatasetAccount("visits"), privacy.WindowNone)
	set(privacy.TenantDatasetAccount("b", "visits"), privacy.WindowWeek)
	ok(w.t, w.ledger.SetDefault(ctx, privacy.AccountTenantPrincipal, "a", &big, admin))
	ok(w.t, w.ledger.SetDefault(ctx, privacy.AccountTenantGroup, "b", &big, admin))
}

// act does one of the things that a ledger is for.
func (w *world) act() {
	w.t.Helper()
	w.mu.Lock()
	w.at = w.at.Add(time.Duration(w.rand.IntN(20)-2) * time.Hour)
	w.mu.Unlock()
	switch kind := w.rand.IntN(12); {
	case kind == 0:
		windows := []privacy.Window{privacy.WindowNone, privacy.WindowDay, privacy.WindowWeek, privacy.WindowMonth}
		a := []privacy.Account{privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("visits")}[w.rand.IntN(3)]
		err := w.ledger.SetBudget(w.t.Context(), a, ledger.Budget{Cap: privacy.Loss{Epsilon: 1 + float64(w.rand.IntN(4)), Delta: 1e-6}, Window: windows[w.rand.IntN(4)]}, admin)
		ok(w.t, err)
	case kind == 1 && len(w.paid) > 0:
		r := w.paid[w.rand.IntN(len(w.paid))]
		r.Principal, r.Group = fmt.Sprintf("key_%d", w.rand.IntN(9)), []string{"", "g", "h"}[w.rand.IntN(3)]
		ok(w.t, w.db.InTx(w.t.Context(), func(ctx context.Context, tx *sql.Tx) error { return w.ledger.Join(ctx, tx, r) }))
	default:
		w.charge(kind < 10)
	}
}

func (w *world) request() ledger.Request {
	w.n++
	tenants := [][]string{{"a"}, {"a", "b"}, {"c", "a", "b"}, {"c"}}[w.rand.IntN(4)]
	r := ledger.Request{
		Key: fmt.Sprintf("asked-%d", w.n), Principal: fmt.Sprintf("key_%d", w.rand.IntN(5)), Dataset: "visits", Tenants: tenants,
		DatasetAccount: w.rand.IntN(2) == 0, Group: []string{"", "g"}[w.rand.IntN(2)], Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9},
		Cost: privacy.Cost{Mu2: privacy.MinRunMu2 + int64(w.rand.IntN(1000)), Delta: int64(w.rand.IntN(5))}, Payload: []byte("{}"),
	}
	if w.rand.IntN(4) == 0 {
		r.Periods = [][]string{{"2026-05"}, {"2026-05", "2026-06"}}[w.rand.IntN(2)]
	}
	return r
}

func (w *world) charge(released bool) {
	w.t.Helper()
	r := w.request()
	c, err := w.ledger.Charge(w.t.Context(), r)
	ok(w.t, err)
	if !released {
		return
	}
	w.paid = append(w.paid, r)
	ok(w.t, w.db.InTx(w.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		id := privacy.NewID("rel")
		if err := w.ledger.Redeem(ctx, tx, c.ID, id); err != nil {
			return err
		}
		return w.releases.Put(ctx, tx, release.Core{Key: r.Key, Charge: c.ID, Noised: []byte("core"), Release: release.Release{
			ID: id, Dataset: "visits", ContractVersion: 1, Epsilon: 0.1, Delta: 1e-9, Purpose: "statistics", CreatedAt: w.now(),
		}})
	}))
}

// copied returns the path of a copy of the store as it is now.
func (w *world) copied() string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "control.db")
	raw, err := sql.Open("sqlite", w.path)
	ok(w.t, err)
	_, err = raw.Exec(`VACUUM INTO ?`, path)
	ok(w.t, err)
	ok(w.t, raw.Close())
	return path
}

// head is the checkpoint of what there is now.
func (w *world) head() translog.Checkpoint {
	w.t.Helper()
	size, root, err := translog.Head(w.t.Context(), w.db)
	ok(w.t, err)
	return translog.Checkpoint{Size: size, Root: root}
}

func (w *world) verify(earlier ...translog.Checkpoint) verify.Report {
	w.t.Helper()
	report, err := verify.Run(w.t.Context(), w.db, verify.Options{Earlier: earlier})
	ok(w.t, err)
	return report
}

func (w *world) clean(earlier ...translog.Checkpoint) verify.Report {
	w.t.Helper()
	r := w.verify(earlier...)
	for _, p := range r.Problems {
		w.t.Errorf("leaf %d: %s", p.Leaf, p.What)
	}
	if len(r.Problems) > 0 {
		w.t.FailNow()
	}
	return r
}
