package ledger_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
)

// world is a control store with everything whose re-creation might refill a
// budget.
type world struct {
	t       *testing.T
	ledger  *ledger.Ledger
	catalog *catalog.Catalog
	keys    *authn.Keys
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := controldb.Open(t.Context(), filepath.Join(t.TempDir(), "control.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &world{t: t, ledger: ledger.New(db, time.Now), catalog: catalog.New(db, time.Now), keys: authn.New(db, time.Now)}
}

// key creates an analyst of a group.
func (w *world) key(group string) privacy.Principal {
	w.t.Helper()
	_, secret, err := w.keys.Create(w.t.Context(), authn.KeyRequest{Role: privacy.RoleAnalyst, Tenant: "a", Group: group}, authn.System())
	w.ok(err)
	p, err := w.keys.Authenticate(w.t.Context(), secret)
	w.ok(err)
	return p
}

func (w *world) tenant() {
	w.t.Helper()
	_, err := w.catalog.CreateTenant(w.t.Context(), "a", "", authn.System())
	w.ok(err)
}

func (w *world) left(accounts ...privacy.Account) (out []ledger.State) {
	w.t.Helper()
	for _, a := range accounts {
		s, err := w.ledger.State(w.t.Context(), a)
		w.ok(err)
		out = append(out, s)
	}
	return out
}

// TestDeletingAndRecreatingRefillsNothing: a tenant with its members and keys,
// and a key of a group, come back under their names and find what they left.
func TestDeletingAndRecreatingRefillsNothing(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.tenant()
	limit := privacy.Loss{Epsilon: 1, Delta: 1e-6}
	whole := privacy.CapOf(limit)
	analyst := w.key("acme")
	set := func() error {
		return w.ledger.SetBudget(ctx, privacy.TenantAccount("a"), ledger.Budget{Cap: limit}, authn.System())
	}
	w.ok(set())
	w.ok(w.ledger.SetBudget(ctx, privacy.DatasetAccount("d"), ledger.Budget{Cap: limit}, authn.System()))
	w.ok(w.ledger.SetDefault(ctx, privacy.AccountTenantGroup, "a", &limit, authn.System()))
	charge := func(p privacy.Principal, key string, cost privacy.Cost, periods ...string) error {
		_, err := w.ledger.Charge(ctx, ledger.Request{
			Key: key, Principal: p.ID, Group: p.Group, Dataset: "d", Tenants: []string{"a"}, DatasetAccount: true, Periods: periods,
			Loss: limit, Cost: cost,
		})
		return err
	}
	half := privacy.Cost{Mu2: whole.Mu2 / 2}
	w.ok(charge(analyst, "whole", half))
	w.ok(charge(analyst, "of a period", half, "2026-01-01"))
	accounts := []privacy.Account{
		privacy.TenantAccount("a"), privacy.DatasetAccount("d"), privacy.TenantGroupAccount("a", "acme"),
		privacy.TenantPeriodAccount("a", "d", "2026-01-01"), privacy.DatasetPeriodAccount("d", "2026-01-01"),
	}
	before := w.left(accounts...)

	w.ok(w.catalog.DeleteTenant(ctx, "a", authn.System()))
	w.tenant()
	again := w.key("acme")
	if again.ID == analyst.ID || again.Group != "acme" {
		t.Fatalf("the new key's principal is %+v", again)
	}
	w.ok(set())
	higher := privacy.Loss{Epsilon: 2, Delta: 1e-6}
	err := w.ledger.SetBudget(ctx, privacy.TenantAccount("a"), ledger.Budget{Cap: higher, Lifetime: &higher}, authn.System())
	if privacy.CodeOf(err) != privacy.CodeConflict {
		t.Errorf("a new tenant of the same name got another ceiling: %v", err)
	}
	for i, s := range w.left(accounts...) {
		if s.Remaining != before[i].Remaining || s.SpentLifetime != before[i].SpentLifetime || s.Lifetime != before[i].Lifetime {
			t.Errorf("%s had %+v and has %+v", s.Account, before[i], s)
		}
	}
	more := privacy.Cost{Mu2: whole.Mu2/2 + 2}
	for name, err := range map[string]error{
		"whole": charge(again, "more", more), "of the period": charge(again, "more of it", more, "2026-01-01"),
		"of another period, by the group": charge(again, "more elsewhere", more, "2026-02-01"),
	} {
		if privacy.CodeOf(err) != privacy.CodeBudgetExhausted {
			t.Errorf("a charge %s: %v", name, err)
		}
	}
}
