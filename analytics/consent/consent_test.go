package consent

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

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

func TestOnePrincipalCannotFillTheStore(t *testing.T) {
	b := newBench(t, both)
	for i := range maxPending {
		b.waits(b.put(2, both, minutes, fmt.Sprintf("  c%d: {type: integer, role: dimension}", i)))
	}
	_, err := b.put(2, both, minutes)
	b.refused(privacy.CodeConflict, err)
}
