package contractparse

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contract/contracttest"
)

func TestApprovalsAndAnalysts(t *testing.T) {
	c, err := Parse([]byte(contracttest.Minimal + "\napprovals: {budget_admins: 2, tenants: affected, expires_after: 48h, proposer_may_sign: true}\nanalysts: [lab, acme]"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (contract.Approvals{BudgetAdmins: 2, Tenants: true, ExpiresAfter: 48 * time.Hour, ProposerMay: true}); *c.Approvals != want {
		t.Errorf("approvals %+v, want %+v", *c.Approvals, want)
	}
	if !c.MayAsk("acme") || c.MayAsk("other") || c.MayAsk("") {
		t.Error("who may ask is not who is named")
	}
	view := c.JSON()
	if view.Approvals.Tenants != "affected" || view.Approvals.ExpiresAfter != "48h0m0s" || len(*view.Analysts) != 2 {
		t.Errorf("view %+v", view)
	}

	if c, err = Parse([]byte(contracttest.Minimal + "\napprovals: {tenants: affected}\nanalysts: []")); err != nil {
		t.Fatal(err)
	}
	if c.Approvals.ExpiresAfter != contract.DefaultExpiry || c.MayAsk("") || c.MayAsk("lab") {
		t.Errorf("%+v, an empty list lets somebody ask", *c.Approvals)
	}
	if c, err = Parse([]byte(contracttest.Minimal)); err != nil || c.Approvals != nil || !c.MayAsk("") || c.JSON().Approvals != nil {
		t.Errorf("a contract that says nothing: %v", err)
	}
}

func TestFaultsOfApprovals(t *testing.T) {
	got := problemsOf(t, contracttest.Minimal+`
approvals:
  budget_admins: 0
  tenants: all
  expires_after: 3 days
  proposer_may_sign: "yes"
  who: everybody
analysts:
  - lab
  - Lab!
  - lab
`)
	want := []string{
		"8 approvals.budget_admins: must be between 1 and 20, not 0",
		`9 approvals.tenants: must be affected, or be left out, not "all"`,
		`10 approvals.expires_after: must be a length of time between 1s and 8784h0m0s, such as 72h, not "3 days"`,
		"11 approvals.proposer_may_sign: must be true or false",
		"12 approvals.who: unknown field; known here are budget_admins, tenants, expires_after, proposer_may_sign",
		`15 analysts: group name "Lab!" is not valid: use a lower-case letter, then up to 62 of a-z, 0-9, '_' and '-'`,
		`16 analysts: names "lab" twice`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = problemsOf(t, contracttest.Minimal+"\napprovals: {expires_after: 1h}")
	if diff := cmp.Diff([]string{"7 approvals: names nobody: say budget_admins, tenants or both, or leave the clause out"}, got); diff != "" {
		t.Error(diff)
	}
}
