package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

func (f *fixture) join(t *testing.T, r Request) error {
	t.Helper()
	return f.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return f.Join(ctx, tx, r) })
}

// TestJoinDebitsWhatCapsThePrincipal: whoever sees a release that others paid
// for pays once from the accounts that cap what he learns, and nobody else pays.
func TestJoinDebitsWhatCapsThePrincipal(t *testing.T) {
	f := newFixture(t)
	tenant, capped := privacy.TenantAccount("a"), privacy.TenantPrincipalAccount("a", "key_q")
	f.set(t, Budget{Cap: small}, tenant, capped)
	paid := ask("q", units)
	paid.Tenants = []string{"a"}
	f.mustCharge(t, paid)
	before := f.scalar(t, `SELECT count(*) FROM log_leaves`)

	joined := paid
	joined.Principal = "key_q"
	for range 2 {
		if err := f.join(t, joined); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []privacy.Account{tenant, capped} {
		if s := f.state(t, a); s.Spent != paid.Cost {
			t.Errorf("%s spent %+v, want %+v once", a, s.Spent, paid.Cost)
		}
	}
	if size, _, err := translog.Head(t.Context(), f.db); err != nil || size != before+1 {
		t.Errorf("the log grew from %d to %d, %v, want one leaf", before, size, err)
	}
	f.audit(t)
}

func TestJoinRefusesBeyondTheCap(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: privacy.Loss{Epsilon: 50, Delta: 1e-3}}, privacy.TenantAccount("a"))
	if err := f.SetDefault(t.Context(), privacy.AccountTenantPrincipal, "a", &small, privacy.Principal{ID: "key_admin"}); err != nil {
		t.Fatal(err)
	}
	f.set(t, Budget{Cap: privacy.Loss{Epsilon: 50, Delta: 1e-3}}, privacy.TenantPrincipalAccount("a", "key_p"))
	dear := ask("q", privacy.CapOf(small).Mu2+1)
	dear.Tenants = []string{"a"}
	f.mustCharge(t, dear)
	dear.Principal = "key_q"
	if why := refusal(t, f.join(t, dear)); names(why.Accounts) != names([]privacy.Account{privacy.TenantPrincipalAccount("a", "key_q")}) {
		t.Errorf("refused by %v", why.Accounts)
	}
	f.audit(t)
}

func TestJoinNeedsACharge(t *testing.T) {
	f := newFixture(t)
	r := ask("nothing was paid", units)
	r.Tenants = []string{"a"}
	if err := f.join(t, r); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("joining no charge: %v", err)
	}
}

// TestAGroupPaysOnceForARelease: what one member has seen is paid for the
// others, who may talk to each other anyway; each still pays for itself.
func TestAGroupPaysOnceForARelease(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	tenant, group := privacy.TenantAccount("a"), privacy.TenantGroupAccount("a", "acme")
	f.set(t, Budget{Cap: small}, tenant)
	for _, kind := range []privacy.AccountKind{privacy.AccountTenantGroup, privacy.AccountTenantPrincipal} {
		if err := f.SetDefault(ctx, kind, "a", &small, admin); err != nil {
			t.Fatal(err)
		}
	}
	by := func(principal, group string) Request {
		r := ask("q", units)
		r.Principal, r.Group = principal, group
		return r
	}
	f.mustCharge(t, by("key_1", "rival"))
	for _, principal := range []string{"key_2", "key_3", "key_2"} {
		if err := f.join(t, by(principal, "acme")); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.join(t, by("key_4", "")); err != nil {
		t.Fatal(err)
	}
	for _, a := range []privacy.Account{
		tenant, group, privacy.TenantGroupAccount("a", "rival"), privacy.TenantPrincipalAccount("a", "key_1"),
		privacy.TenantPrincipalAccount("a", "key_2"), privacy.TenantPrincipalAccount("a", "key_3"), privacy.TenantPrincipalAccount("a", "key_4"),
	} {
		if s := f.state(t, a); s.Spent.Mu2 != units {
			t.Errorf("%s spent %d, want %d once", a, s.Spent.Mu2, units)
		}
	}
	states, err := f.States(ctx, "a")
	if err != nil || len(states) != 7 {
		t.Errorf("%d accounts are listed, %v, want 7", len(states), err)
	}
	f.audit(t)
}

// TestAGroupIsCappedAsOne: its members share what is left, whichever asks.
func TestAGroupIsCappedAsOne(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: privacy.Loss{Epsilon: 50, Delta: 1e-3}}, privacy.TenantAccount("a"))
	group := privacy.TenantGroupAccount("a", "acme")
	f.set(t, Budget{Cap: small}, group)
	half := privacy.CapOf(small).Mu2 / 2
	for i, principal := range []string{"key_1", "key_2"} {
		r := ask(fmt.Sprint("q", i), half)
		r.Principal, r.Group = principal, "acme"
		f.mustCharge(t, r)
	}
	r := ask("one too many", half)
	r.Principal, r.Group = "key_3", "acme"
	_, err := f.Charge(t.Context(), r)
	if why := refusal(t, err); names(why.Accounts) != names([]privacy.Account{group}) {
		t.Errorf("refused by %v", why.Accounts)
	}
	r.Group = "others"
	f.mustCharge(t, r)
	f.audit(t)
}

// TestRacingJoinsPayOnce: members of a group who are shown a release at the same
// moment, by two servers, are charged once together and once each.
func TestRacingJoinsPayOnce(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	for _, kind := range []privacy.AccountKind{privacy.AccountTenantGroup, privacy.AccountTenantPrincipal} {
		if err := f.SetDefault(t.Context(), kind, "a", &small, admin); err != nil {
			t.Fatal(err)
		}
	}
	f.mustCharge(t, ask("q", units))
	handles := []*fixture{f, f.reopen(t)}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			r := ask("q", units)
			r.Principal, r.Group = fmt.Sprint("key_", i%8), "acme"
			h := handles[i%2]
			err := h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return h.Join(ctx, tx, r) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	states, err := f.States(t.Context(), "a")
	if err != nil || len(states) != 11 { // the tenant's, the group's, and nine principals' with the one that paid
		t.Errorf("%d accounts, %v", len(states), err)
	}
	for _, s := range states {
		if s.Spent.Mu2 != units {
			t.Errorf("%s spent %d, want %d", s.Account, s.Spent.Mu2, units)
		}
	}
	f.audit(t)
}
