package consent

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
)

// A signature counts while its principal stands, and a proposal while its author
// does.
func TestRevokedPrincipalsAgreeToNothing(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	b.approve(p.ID, admin("a"), StatePending)
	b.revoke(admin("a"))
	b.approve(p.ID, admin("b"), StatePending)
	b.approve(p.ID, principal(privacy.RoleTenantAdmin, "a", "second"), StateApplied)

	p = b.waits(b.put(3, ""))
	b.revoke(operator)
	_, err := b.Approve(t.Context(), p.ID, admin("b"))
	b.refused(privacy.CodeConflict, err)
	if b.latest() != 2 {
		t.Error("what a revoked operator proposed was made")
	}
}

// A principal is suspended since its key was stolen, say. What it has signed, or
// proposed, counts no more than what is signed by a revoked one.
func TestSuspendedPrincipalsAgreeToNothing(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	b.approve(p.ID, admin("a"), StatePending)
	b.suspend(admin("a"), "a")
	b.approve(p.ID, admin("b"), StatePending)
	b.approve(p.ID, principal(privacy.RoleTenantAdmin, "a", "second"), StateApplied)

	p = b.waits(b.put(3, ""))
	b.suspend(operator, "")
	_, err := b.Approve(t.Context(), p.ID, admin("b"))
	b.refused(privacy.CodeConflict, err)
	if b.latest() != 2 {
		t.Error("what a suspended operator proposed was made")
	}
}

// A tenant suspends principals where they act for it, and nowhere else.
func TestASuspensionByAnotherTenantTakesNoSignature(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	b.approve(p.ID, admin("a"), StatePending)
	b.suspend(admin("a"), "c")
	b.approve(p.ID, admin("b"), StateApplied)
}

// Members agree to a group on the word that the operator decides who is in it. A
// tenant that had put its own people there before must not be let in by that.
func TestAGroupThatATenantHasFilledIsNotLetIn(t *testing.T) {
	key := func(b *bench, id, role, tenant, group, by, first string) {
		b.ok(b.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (id, hash, role, tenant, spends_with, name, created_at, created_by, principal)
				VALUES (?, randomblob(32), ?, nullif(?, ''), ?, '', 0, ?, ?)`, id, role, tenant, group, by, first)
			return err
		}))
	}
	for name, tt := range map[string]struct {
		tenant, by, first string
		refused           bool
	}{
		"the operator's, for nobody's tenant":  {"", "key_operator", "key_1", false},
		"the operator's, for a tenant":         {"a", "key_operator", "key_1", false},
		"a tenant's own":                       {"a", "key_admin", "key_1", true},
		"a tenant's, by its tokens":            {"a", "oidc_x", "key_1", true},
		"a tenant's that the operator rotated": {"a", "key_operator", "key_0", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "analysts: [ward]")
			key(b, "key_operator", "operator", "", "", "system", "key_operator")
			key(b, "key_admin", "tenant-admin", "a", "", "key_operator", "key_admin")
			if tt.first != "key_1" {
				key(b, tt.first, "analyst", "a", "lab", "key_admin", tt.first)
			}
			key(b, "key_1", "analyst", tt.tenant, "lab", tt.by, tt.first)
			_, err := b.put(2, "analysts: [ward, lab]")
			if !tt.refused {
				b.ok(err)
				return
			}
			b.refused(privacy.CodeConflict, err)
			b.ok(b.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE api_keys SET revoked_at = 1 WHERE spends_with = 'lab'`)
				return err
			}))
			b.made(b.put(2, "analysts: [ward, lab]"))
			key(b, "key_2", "analyst", "a", "ward", "key_admin", "key_2") // a group that may ask already is the API's to guard
			b.made(b.put(3, "analysts: [ward]"))
		})
	}
}

// A tenant that is created anew has agreed to nothing, and asked for nothing, that
// the one before of its name did, although its people may come by the same tokens.
func TestANamesakeHasNotAgreed(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	b.approve(p.ID, admin("b"), StatePending)
	raise := b.waits(b.SetBudget(t.Context(), privacy.TenantAccount("b"), budget(3), keeper("b", "k")))
	b.ok(b.catalog.DeleteTenant(t.Context(), "b", operator))
	b.at = b.at.Add(time.Minute)
	_, err := b.catalog.CreateTenant(t.Context(), "b", "", operator)
	b.ok(err)
	b.approve(b.waits(b.Accept(t.Context(), "visits", "b", 1, admin("b"))).ID, admin("a"), StateApplied)
	b.approve(p.ID, admin("a"), StatePending)
	b.approve(p.ID, principal(privacy.RoleTenantAdmin, "b", "new"), StateApplied)
	_, err = b.Approve(t.Context(), raise.ID, keeper("b", "l"))
	b.refused(privacy.CodeConflict, err)
}

func (b *bench) suspend(p privacy.Principal, owner string) {
	b.t.Helper()
	b.ok(b.db.InTx(b.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO suspensions (kind, name, owner, reason, placed_by, since) VALUES ('principal', ?, ?, 'stolen', 'test', 0)`, p.ID, owner)
		return err
	}))
}

func (b *bench) revoke(p privacy.Principal) {
	b.t.Helper()
	b.ok(b.db.InTx(b.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO revoked_principals (principal, revoked_at, revoked_by) VALUES (?, 0, 'test')`, p.ID)
		return err
	}))
}

func TestWhoMayKnowOfAProposal(t *testing.T) {
	b := newBench(t, both)
	b.waits(b.put(2, both, minutes))
	b.waits(b.SetBudget(t.Context(), privacy.TenantAccount("a"), budget(3), keeper("a", "k")))
	b.waits(b.Accept(t.Context(), "visits", "c", 1, admin("c")))
	for _, tt := range []struct {
		who  privacy.Principal
		want int
	}{
		{operator, 3}, {principal(privacy.RoleAuditor, "", "auditor"), 3}, {admin("a"), 3}, {admin("b"), 2}, {admin("c"), 1},
		{principal(privacy.RoleAnalyst, "", "analyst"), 0},
	} {
		all, _, err := b.List(t.Context(), tt.who, "", "", 10)
		b.ok(err)
		if len(all) != tt.want {
			t.Errorf("%s sees %d proposals, want %d", tt.who.ID, len(all), tt.want)
		}
	}
	page, next, err := b.List(t.Context(), operator, StatePending, "", 2)
	b.ok(err)
	rest, end, err := b.List(t.Context(), operator, StatePending, next, 2)
	b.ok(err)
	if len(page) != 2 || len(rest) != 1 || end != "" || page[1].ID == rest[0].ID {
		t.Errorf("pages of %d and %d, then %q", len(page), len(rest), end)
	}
}
