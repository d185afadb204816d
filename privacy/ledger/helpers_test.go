package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/ledger/filter/filtertest"
)

// clock is a clock that tests move.
type clock struct{ micros atomic.Int64 }

func newClock(at string) *clock {
	c := &clock{}
	c.set(filtertest.Instant(at))
	return c
}

func (c *clock) set(micros int64)        { c.micros.Store(micros) }
func (c *clock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }
func (c *clock) now() time.Time          { return time.UnixMicro(c.micros.Load()) }

var (
	admin = privacy.Principal{ID: "key_admin", Role: privacy.RoleBudgetAdmin, Tenant: "a"}
	small = privacy.Loss{Epsilon: 1, Delta: 1e-6}
)

// fixture is a ledger on a new store with a clock of its own.
type fixture struct {
	*Ledger
	db    *controldb.DB
	path  string
	clock *clock
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control.db")
	return openFixture(t, path, newClock("2026-03-04T09:00:00Z"))
}

func openFixture(t testing.TB, path string, c *clock) *fixture {
	t.Helper()
	db := controltest.Open(t, path)
	return &fixture{Ledger: New(db, c.now), db: db, path: path, clock: c}
}

// reopen returns a second handle on the same store and clock.
func (f *fixture) reopen(t testing.TB) *fixture {
	t.Helper()
	return openFixture(t, f.path, f.clock)
}

func (f *fixture) set(t testing.TB, b Budget, accounts ...privacy.Account) {
	t.Helper()
	for _, a := range accounts {
		if err := f.SetBudget(context.Background(), a, b, admin); err != nil {
			t.Fatalf("setting %s: %v", a, err)
		}
	}
}

func (f *fixture) mustCharge(t testing.TB, r Request) Charge {
	t.Helper()
	c, err := f.Charge(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fixture) state(t testing.TB, a privacy.Account) State {
	t.Helper()
	s, err := f.State(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// scalar reads one number from the store.
func (f *fixture) scalar(t testing.TB, query string, args ...any) (n int64) {
	t.Helper()
	if err := f.db.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// entries is a query for what each charge debited from each account.
const entries = `SELECT d.charge, j.value AS account, d.mu2, d.delta_units, d.seen
	FROM charge_debits d, json_each('[' || trim(d.accounts, ',') || ']') j`

// audit checks what must hold at every moment: each account's total is the sum
// of its entries and within its ceiling, and every entry is what its charge
// says.
func (f *fixture) audit(t testing.TB) {
	t.Helper()
	if n := f.scalar(t, `SELECT count(*) FROM accounts a
			LEFT JOIN (SELECT account, sum(mu2) AS mu2, sum(delta_units) AS delta_units FROM (`+entries+`) GROUP BY account) e ON e.account = a.id
			WHERE total_mu2 <> coalesce(e.mu2, 0) OR total_delta_units <> coalesce(e.delta_units, 0)
			OR total_mu2 > life_mu2 OR total_delta_units > life_delta_units`); n != 0 {
		t.Errorf("%d accounts differ from their entries or exceed their ceiling", n)
	}
	if n := f.scalar(t, `SELECT count(*) FROM (`+entries+`) e LEFT JOIN charges c ON c.seq = e.charge LEFT JOIN accounts a ON a.id = e.account
			WHERE e.mu2 IS NOT c.mu2 OR e.delta_units IS NOT c.delta_units OR a.id IS NULL`); n != 0 {
		t.Errorf("%d entries differ from their charges, or are of no account", n)
	}
	if n := f.scalar(t, `SELECT count(*) FROM (SELECT 1 FROM (`+entries+`) GROUP BY charge, account HAVING count(*) > 1)`); n != 0 {
		t.Errorf("%d accounts were debited twice by a charge", n)
	}
	if n := f.scalar(t, `SELECT count(*) FROM charges c LEFT JOIN log_leaves l ON l.idx = c.leaf
			WHERE json_extract(CAST(l.leaf AS TEXT), '$.body.charge') IS NOT c.id`); n != 0 {
		t.Errorf("%d charges have no leaf of their own", n)
	}
	if charges, leaves := f.scalar(t, `SELECT count(*) FROM charges`), f.scalar(t, `SELECT count(*) FROM log_leaves
			WHERE json_extract(CAST(leaf AS TEXT), '$.kind') = 'charge'`); charges != leaves {
		t.Errorf("%d charges but %d leaves of charges", charges, leaves)
	}
}

// ask returns a request of tenant a's account only.
func ask(key string, mu2 int64) Request {
	return Request{Key: key, Principal: "key_p", Dataset: "d", Tenants: []string{"a"},
		Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9}, Cost: privacy.Cost{Mu2: mu2, Delta: 1}, Payload: []byte("payload of " + key)}
}

// units is a cost that fits a small account a few times.
const units = privacy.MinRunMu2

// refusal returns the details of a refusal for lack of budget.
func refusal(t testing.TB, err error) *Exhausted {
	t.Helper()
	var e *Exhausted
	if privacy.CodeOf(err) != privacy.CodeBudgetExhausted || !errors.As(err, &e) {
		t.Fatalf("got %v, want budget-exhausted", err)
	}
	return e
}

func names(accounts []privacy.Account) string { return fmt.Sprint(accounts) }
