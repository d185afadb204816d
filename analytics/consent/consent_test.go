package consent

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/ledger"
)

// bench is a service on a real control store with the tenants a, b and c, of
// which a and b are members of the dataset visits.
type bench struct {
	t       *testing.T
	db      *controldb.DB
	catalog *catalog.Catalog
	ledger  *ledger.Ledger
	*Service
	at time.Time
}

var operator = principal(privacy.RoleOperator, "", "operator")

// principal does not come by a key, so that none needs to exist.
func principal(role privacy.Role, tenant, name string) privacy.Principal {
	return privacy.Principal{ID: "oidc_" + name + tenant, Role: role, Tenant: tenant}
}

func admin(tenant string) privacy.Principal {
	return principal(privacy.RoleTenantAdmin, tenant, "admin")
}

func keeper(tenant, name string) privacy.Principal {
	return principal(privacy.RoleBudgetAdmin, tenant, name)
}

func newBench(t *testing.T, approvals string) *bench {
	t.Helper()
	b := &bench{t: t, at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	now := func() time.Time { return b.at }
	b.db, b.catalog, b.ledger = db, catalog.New(db, now), ledger.New(db, now)
	b.Service = New(db, b.catalog, b.ledger, now)
	for _, tenant := range []string{"a", "b", "c"} {
		_, err := b.catalog.CreateTenant(t.Context(), tenant, "", operator)
		b.ok(err)
	}
	b.made(b.put(1, approvals))
	b.ok(b.catalog.Accept(t.Context(), "visits", "a", 1, admin("a")))
	b.ok(b.catalog.Accept(t.Context(), "visits", "b", 1, admin("b")))
	return b
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// put puts a version of the contract; more is written below its columns.
func (b *bench) put(version int, approvals string, more ...string) (*Proposal, error) {
	b.t.Helper()
	doc := fmt.Sprintf("dataset: visits\nversion: %d\nprivacy_unit: {column: person, scope: tenant}\ncontribution: {max_rows: 2}\ncolumns:\n  person: {type: bigint, role: unit}\n%s\n%s",
		version, strings.Join(more, "\n"), approvals)
	c, err := contract.Parse([]byte(doc))
	b.ok(err)
	return b.PutDataset(b.t.Context(), c, []byte(doc), operator)
}

const minutes = "  minutes: {type: integer, role: measure, bounds: [0, 60]}"

// made demands that a change was made at once.
func (b *bench) made(p *Proposal, err error) {
	b.t.Helper()
	b.ok(err)
	if p != nil {
		b.t.Fatalf("a proposal of kind %s waits, where the change should be made at once", p.Kind)
	}
}

// waits demands that a change waits.
func (b *bench) waits(p *Proposal, err error) *Proposal {
	b.t.Helper()
	b.ok(err)
	if p == nil {
		b.t.Fatal("the change was made at once, where it should wait")
	}
	return p
}

func (b *bench) refused(want privacy.Code, err error) {
	b.t.Helper()
	if privacy.CodeOf(err) != want {
		b.t.Errorf("error %v, want %s", err, want)
	}
}

// approve signs and demands the state that follows.
func (b *bench) approve(id string, by privacy.Principal, want State) {
	b.t.Helper()
	p, err := b.Approve(b.t.Context(), id, by)
	b.ok(err)
	if p.State != want {
		b.t.Errorf("the proposal is %s, want %s", p.State, want)
	}
}

func (b *bench) state(id string) State {
	b.t.Helper()
	p, err := b.Get(b.t.Context(), id, operator)
	b.ok(err)
	return p.State
}

func (b *bench) latest() int {
	b.t.Helper()
	d, err := b.catalog.Dataset(b.t.Context(), "visits")
	b.ok(err)
	return d.Latest
}

// steps returns the acts on the log about proposals.
func (b *bench) steps() (acts []string) {
	b.t.Helper()
	rows, err := b.db.QueryContext(b.t.Context(), `SELECT json_extract(leaf, '$.body.act') FROM log_leaves WHERE json_extract(leaf, '$.kind') = 'proposal' ORDER BY idx`)
	b.ok(err)
	defer rows.Close()
	for rows.Next() {
		var act string
		b.ok(rows.Scan(&act))
		acts = append(acts, act)
	}
	b.ok(rows.Err())
	return acts
}

const both = "approvals: {tenants: affected, budget_admins: 2, expires_after: 1h}"

func TestWithoutTheClauseNothingWaits(t *testing.T) {
	b := newBench(t, "")
	b.made(b.put(2, "", minutes))
	b.made(b.Accept(t.Context(), "visits", "c", 2, admin("c")))
	b.made(b.SetBudget(t.Context(), privacy.TenantAccount("a"), budget(3), keeper("a", "k")))
	b.made(b.SetBudget(t.Context(), privacy.DatasetAccount("visits"), budget(3), operator))
	if len(b.steps()) != 0 {
		t.Errorf("steps %v", b.steps())
	}
}

func TestANewColumnWaitsForEveryMember(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	if again := b.waits(b.put(2, both, minutes)); again.ID != p.ID {
		t.Error("the same change again is another proposal")
	}
	if b.latest() != 1 || len(p.Required) != 2 || p.Effect[0].Field != "columns.minutes" {
		t.Errorf("latest %d, proposal %+v", b.latest(), p)
	}
	for _, stranger := range []privacy.Principal{operator, keeper("a", "k"), principal(privacy.RoleAuditor, "a", "auditor")} {
		_, err := b.Approve(t.Context(), p.ID, stranger)
		b.refused(privacy.CodeForbidden, err)
	}
	_, err := b.Approve(t.Context(), p.ID, admin("c"))
	b.refused(privacy.CodeNotFound, err)
	b.approve(p.ID, admin("a"), StatePending)
	_, err = b.Approve(t.Context(), p.ID, admin("a"))
	b.refused(privacy.CodeConflict, err)
	b.approve(p.ID, principal(privacy.RoleTenantAdmin, "a", "second"), StatePending) // another of a's: b has not agreed
	b.approve(p.ID, admin("b"), StateApplied)
	if b.latest() != 2 {
		t.Error("the version was not put")
	}
	_, err = b.Reject(t.Context(), p.ID, admin("a"))
	b.refused(privacy.CodeConflict, err)
	if got := strings.Join(b.steps(), " "); got != "propose approve approve approve apply" {
		t.Errorf("steps on the log: %s", got)
	}
}

func TestNarrowingIsMadeAtOnceAndOutdatesWhatWaits(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	b.made(b.put(2, "approvals: {tenants: affected, budget_admins: 3, expires_after: 1h}"))
	_, err := b.Approve(t.Context(), p.ID, admin("a"))
	b.refused(privacy.CodeConflict, err)
	if b.state(p.ID) != StateExpired || b.latest() != 2 {
		t.Errorf("state %s, latest %d", b.state(p.ID), b.latest())
	}
}

func TestTheClauseItselfIsWeakenedByConsentOnly(t *testing.T) {
	for _, weaker := range []string{"", "approvals: {tenants: affected}", "approvals: {budget_admins: 2}", strings.Replace(both, "1h", "2h", 1), strings.Replace(both, "2", "1", 1),
		strings.Replace(both, "}", ", proposer_may_sign: true}", 1)} {
		b := newBench(t, both)
		b.waits(b.put(2, weaker))
	}
}

func TestBudgetAdminsOfTheMembersAgreeWhereTenantsAreNotAsked(t *testing.T) {
	b := newBench(t, "approvals: {budget_admins: 2}")
	p := b.waits(b.put(2, "", minutes))
	b.approve(p.ID, keeper("a", "k"), StatePending)
	_, err := b.Approve(t.Context(), p.ID, keeper("c", "k"))
	b.refused(privacy.CodeNotFound, err)
	b.approve(p.ID, keeper("b", "k"), StateApplied)
}

func TestANewMemberWaitsForTheOthers(t *testing.T) {
	b := newBench(t, both)
	_, err := b.Accept(t.Context(), "visits", "c", 9, admin("c"))
	b.refused(privacy.CodeNotFound, err)
	p := b.waits(b.Accept(t.Context(), "visits", "c", 1, admin("c")))
	b.approve(p.ID, admin("a"), StatePending)
	b.ok(b.catalog.Leave(t.Context(), "visits", "b", admin("b")))
	if b.state(p.ID) != StateApproved {
		t.Errorf("state %s once the last who had not signed left", b.state(p.ID))
	}
	b.approve(p.ID, admin("c"), StateApplied) // nothing is missing: whoever proposed it has it made
	d, err := b.catalog.Dataset(t.Context(), "visits")
	b.ok(err)
	if got := d.Active(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("members %v", got)
	}
	b.made(b.Accept(t.Context(), "visits", "a", 1, admin("a"))) // a member stays one
}

func TestWhoJoinsMeanwhileMustAgreeToo(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	b.approve(p.ID, admin("a"), StatePending)
	b.ok(b.catalog.Accept(t.Context(), "visits", "c", 1, admin("c")))
	b.approve(p.ID, admin("b"), StatePending)
	b.approve(p.ID, admin("c"), StateApplied)
}

func budget(epsilon float64) Budget {
	return Budget{Cap: privacy.Loss{Epsilon: epsilon, Delta: 1e-6}, Lifetime: &privacy.Loss{Epsilon: 10, Delta: 1e-5}}
}

func TestALargerBudgetNeedsTwoMoreBudgetAdmins(t *testing.T) {
	b := newBench(t, both)
	account := privacy.TenantAccount("a")
	first := b.waits(b.SetBudget(t.Context(), account, budget(3), keeper("a", "k1")))
	_, err := b.Approve(t.Context(), first.ID, keeper("a", "k1"))
	b.refused(privacy.CodeForbidden, err)
	_, err = b.Get(t.Context(), first.ID, admin("b"))
	b.refused(privacy.CodeNotFound, err)
	b.approve(first.ID, keeper("a", "k2"), StatePending)
	b.approve(first.ID, keeper("a", "k3"), StateApplied)

	b.made(b.SetBudget(t.Context(), account, budget(1), keeper("a", "k1"))) // narrower
	tests := map[string]struct {
		wider bool
		Budget
	}{
		"a larger cap":                {true, budget(2)},
		"refilled every day":          {true, Budget{Cap: privacy.Loss{Epsilon: 1, Delta: 1e-6}, Window: privacy.WindowDay}},
		"more of one, less of other":  {true, Budget{Cap: privacy.Loss{Epsilon: 0.5, Delta: 2e-6}}},
		"a first cap per principal":   {false, Budget{Cap: privacy.Loss{Epsilon: 1, Delta: 1e-6}, PerPrincipal: map[string]privacy.Loss{"default": {Epsilon: 0.5, Delta: 1e-6}}}},
		"a larger one than default's": {true, Budget{Cap: privacy.Loss{Epsilon: 1, Delta: 1e-6}, PerPrincipal: map[string]privacy.Loss{"key_x": {Epsilon: 0.6, Delta: 1e-6}}}},
	}
	for _, name := range []string{"a larger cap", "refilled every day", "more of one, less of other", "a first cap per principal", "a larger one than default's"} {
		p, err := b.SetBudget(t.Context(), account, tests[name].Budget, keeper("a", "k1"))
		b.ok(err)
		if (p != nil) != tests[name].wider {
			t.Errorf("%s: waits is %v", name, p != nil)
		}
	}
	_, err = b.SetBudget(t.Context(), account, budget(11), keeper("a", "k1")) // above its ceiling: told at once
	b.refused(privacy.CodePrivacyParameters, err)
}

// What was shown must be what is made: after the cap was lowered, the same
// proposal would be a larger step.
func TestABudgetThatMovedOutdatesWhatWaits(t *testing.T) {
	b := newBench(t, "approvals: {budget_admins: 1}")
	account := privacy.TenantAccount("a")
	b.ok(b.ledger.SetBudget(t.Context(), account, ledger.Budget{Cap: privacy.Loss{Epsilon: 3, Delta: 1e-6}, Lifetime: budget(1).Lifetime}, operator))
	p := b.waits(b.SetBudget(t.Context(), account, budget(5), keeper("a", "k1")))
	b.made(b.SetBudget(t.Context(), account, budget(1), keeper("a", "k1")))
	_, err := b.Approve(t.Context(), p.ID, keeper("a", "k2"))
	b.refused(privacy.CodeConflict, err)
	if st, err := b.ledger.State(t.Context(), account); err != nil || st.Cap.Epsilon != 1 || b.state(p.ID) != StateExpired {
		t.Errorf("cap %v, state %s, %v", st.Cap, b.state(p.ID), err)
	}
}

func TestADatasetsBudgetWaitsForABudgetAdminOfEachMember(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.SetBudget(t.Context(), privacy.DatasetAccount("visits"), budget(3), operator))
	_, err := b.Approve(t.Context(), p.ID, admin("a"))
	b.refused(privacy.CodeForbidden, err)
	b.approve(p.ID, keeper("a", "k"), StatePending)
	b.approve(p.ID, keeper("b", "k"), StateApplied)
}

func TestWhoProposesSignsOnlyWhereTheContractSaysSo(t *testing.T) {
	b := newBench(t, "approvals: {budget_admins: 2, proposer_may_sign: true}")
	p := b.waits(b.SetBudget(t.Context(), privacy.TenantAccount("a"), budget(3), keeper("a", "k1")))
	b.approve(p.ID, keeper("a", "k1"), StatePending)
	b.approve(p.ID, keeper("a", "k2"), StateApplied)
}

func TestProposalsExpireByTheClock(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	b.approve(p.ID, admin("a"), StatePending)
	b.at = b.at.Add(time.Hour - time.Microsecond)
	if b.state(p.ID) != StatePending {
		t.Errorf("state %s a moment before", b.state(p.ID))
	}
	b.at = b.at.Add(time.Microsecond)
	if b.state(p.ID) != StateExpired {
		t.Errorf("state %s at its end", b.state(p.ID))
	}
	_, err := b.Approve(t.Context(), p.ID, admin("b"))
	b.refused(privacy.CodeConflict, err)
	b.at = b.at.Add(-time.Hour) // a clock that goes back revives nothing
	if b.state(p.ID) != StateExpired || b.latest() != 1 {
		t.Error("it came back")
	}
	if got := strings.Join(b.steps(), " "); got != "propose approve expire" {
		t.Errorf("steps on the log: %s", got)
	}
}

func TestOneWhoMustAgreeEndsAProposal(t *testing.T) {
	b := newBench(t, both)
	p := b.waits(b.put(2, both, minutes))
	_, err := b.Reject(t.Context(), p.ID, operator)
	b.refused(privacy.CodeForbidden, err)
	_, err = b.Reject(t.Context(), p.ID, admin("b"))
	b.ok(err)
	_, err = b.Approve(t.Context(), p.ID, admin("a"))
	b.refused(privacy.CodeConflict, err)

	p = b.waits(b.put(2, both, minutes))
	_, err = b.Withdraw(t.Context(), p.ID, admin("a"))
	b.refused(privacy.CodeForbidden, err)
	_, err = b.Withdraw(t.Context(), p.ID, principal(privacy.RoleOperator, "", "other"))
	b.ok(err)
	if got := strings.Join(b.steps(), " "); got != "propose reject propose withdraw" {
		t.Errorf("steps on the log: %s", got)
	}
}

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

func TestTemplatesWaitWhereNothingElseIsAsked(t *testing.T) {
	b := newBench(t, both)
	count := &template.Template{SQL: "SELECT COUNT(*) FROM visits", Epsilon: 0.5}
	b.made(b.PutTemplate(t.Context(), "visits", "count", count, operator)) // every query is free
	b.made(b.put(2, both+"\nqueries: templates"))
	b.waits(b.put(3, both))
	p := b.waits(b.PutTemplate(t.Context(), "visits", "count", &template.Template{SQL: "SELECT COUNT(DISTINCT person) FROM visits", Epsilon: 1}, operator))
	b.approve(p.ID, admin("a"), StatePending)
	if v, err := b.Template(t.Context(), "visits", "count"); err != nil || v.Number != 1 {
		t.Errorf("version %d is asked while the next one waits: %v", v.Number, err)
	}
	b.approve(p.ID, admin("b"), StateApplied)
	if v, err := b.Template(t.Context(), "visits", "count"); err != nil || v.Number != 2 || v.Template.Epsilon != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	waits := b.waits(b.PutTemplate(t.Context(), "visits", "count", count, operator))
	b.made(b.PutTemplate(t.Context(), "visits", "count", nil, operator)) // withdrawn at once
	_, err := b.Approve(t.Context(), waits.ID, admin("a"))
	b.refused(privacy.CodeConflict, err)
	_, err = b.Template(t.Context(), "visits", "count")
	b.refused(privacy.CodeNotFound, err)
	if all, err := b.Templates(t.Context(), "visits"); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// Some members are still under a version that promises them approved templates
// alone. That the latest version frees queries is no promise of theirs.
func TestTemplatesWaitForThoseWhoAreUnderTemplates(t *testing.T) {
	few := "approvals: {budget_admins: 1, expires_after: 1h}"
	b := newBench(t, few+"\nqueries: templates")
	free := b.waits(b.put(2, few))
	b.approve(free.ID, keeper("a", "k"), StateApplied)
	count := &template.Template{SQL: "SELECT COUNT(*) FROM visits", Epsilon: 0.5}
	p := b.waits(b.PutTemplate(t.Context(), "visits", "count", count, operator)) // a and b are under version 1
	b.approve(p.ID, keeper("b", "k"), StateApplied)
	for _, m := range []string{"a", "b"} {
		b.made(b.Accept(t.Context(), "visits", m, 2, admin(m)))
	}
	b.made(b.PutTemplate(t.Context(), "visits", "other", count, operator))
}

// What may be asked is all on the list that members look at.
func TestTemplatesAreAllListed(t *testing.T) {
	b := newBench(t, "")
	count := &template.Template{SQL: "SELECT COUNT(*) FROM visits", Epsilon: 0.5}
	b.ok(b.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO template_versions (dataset, name, version, document, created_at, created_by)
			SELECT 'visits', 'a' || i, 1, '{"sql": "SELECT COUNT(*) FROM visits", "epsilon": 0.5}', 0, 'o' FROM n`, template.MaxTemplates-1)
		return err
	}))
	b.made(b.PutTemplate(t.Context(), "visits", "y", count, operator))
	_, err := b.PutTemplate(t.Context(), "visits", "z", count, operator)
	b.refused(privacy.CodeConflict, err)
	b.made(b.PutTemplate(t.Context(), "visits", "y", count, operator)) // another version of one
	b.made(b.PutTemplate(t.Context(), "visits", "a1", nil, operator))
	b.made(b.PutTemplate(t.Context(), "visits", "z", count, operator))
	if all, err := b.Templates(t.Context(), "visits"); err != nil || all[len(all)-1].Name != "z" {
		t.Errorf("%d templates, %v", len(all), err)
	}
}

func TestOnePrincipalCannotFillTheStore(t *testing.T) {
	b := newBench(t, both)
	for i := range maxPending {
		b.waits(b.put(2, both, minutes, fmt.Sprintf("  c%d: {type: integer, role: dimension}", i)))
	}
	_, err := b.put(2, both, minutes)
	b.refused(privacy.CodeConflict, err)
}
