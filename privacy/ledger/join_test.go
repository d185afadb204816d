package ledger

import (
	"context"
	"database/sql"
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
