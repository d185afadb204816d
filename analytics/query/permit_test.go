package query_test

import (
	"testing"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// rule puts a forbid in force, beside a permit for everything.
func (h *house) rule(forbid string) {
	h.t.Helper()
	_, _, err := h.policies.Put(h.t.Context(), policy.Files{"p.cedar": "permit (principal, action, resource);\n" + forbid}, operator)
	h.must(err)
}

func forbidWhen(condition string) string {
	return `@id("no") forbid (principal, action in Action::"question", resource) when { ` + condition + ` };`
}

// TestWhatPoliciesDenyIsNotCharged: each attribute decides a question, and what
// is denied neither charges, runs nor explains.
func TestWhatPoliciesDenyIsNotCharged(t *testing.T) {
	h := newHouse(t)
	small := 0.1
	tests := map[string]struct {
		rule   string
		denied func(*question.Request)
		passes func(*question.Request)
	}{
		"purpose": {forbidWhen(`context.purpose != "research"`), func(*question.Request) {}, func(r *question.Request) { r.Purpose = "research" }},
		"ε":       {forbidWhen(`context.epsilon.greaterThan(decimal("0.1"))`), func(*question.Request) {}, func(r *question.Request) { r.Epsilon = &small }},
		"tenants": {forbidWhen(`context.tenants.contains("south")`), func(*question.Request) {}, func(r *question.Request) { r.Tenants = []string{"north"} }},
		"tenants of the text": {forbidWhen(`context.tenants != ["north"]`), func(r *question.Request) { r.SQL = "SELECT COUNT(*) AS n FROM visits" },
			func(r *question.Request) { r.SQL = "SELECT COUNT(*) AS n FROM visits WHERE tenant = 'north'" }},
		"aggregate": {forbidWhen(`context.aggregates.contains("avg")`), func(r *question.Request) { r.SQL = "SELECT AVG(days) AS d FROM visits" },
			func(r *question.Request) { r.SQL = "SELECT SUM(days) AS d FROM visits" }},
		"dataset": {`@id("no") forbid (principal == Principal::"key_other", action, resource == Dataset::"visits");
			@id("never") forbid (principal, action in Action::"question", resource == Dataset::"visits") when { context.purpose == "gossip" };`,
			func(r *question.Request) { r.Purpose = "gossip" }, func(*question.Request) {}},
		"hour": {forbidWhen(`context.hour >= 0 && context.purpose == "at-night"`), func(r *question.Request) { r.Purpose = "at-night" }, func(*question.Request) {}},
	}
	for name, tt := range tests {
		h.rule(tt.rule)
		account := privacy.DatasetAccount("visits")
		spent, ran := h.spent(account), h.engine.ran()
		if _, err := h.ask(byWard, tt.denied); privacy.CodeOf(err) != privacy.CodeForbidden || !query.Unpaid(err) {
			t.Errorf("by %s: %v, want forbidden and unpaid", name, err)
		}
		if _, err := h.explain(byWard, tt.denied); privacy.CodeOf(err) != privacy.CodeForbidden {
			t.Errorf("by %s, explained: %v, want forbidden", name, err)
		}
		if h.spent(account) != spent || h.engine.ran() != ran {
			t.Errorf("by %s: what was denied was charged or run", name)
		}
		if _, err := h.ask(byWard, tt.passes); err != nil {
			t.Errorf("by %s: %v, want an answer", name, err)
		}
	}
}

// TestPurposeChangesNoRelease: a question for another purpose is the same
// release, and each reader's purpose and policies stand on its own reading.
func TestPurposeChangesNoRelease(t *testing.T) {
	h := newHouse(t)
	purpose := func(p string) func(*question.Request) { return func(r *question.Request) { r.Purpose = p } }
	first := h.mustAsk(byWard, purpose("research"))
	spent := h.spent(privacy.DatasetAccount("visits"))
	h.rule("")
	second := h.mustAsk(byWard, purpose("reporting"))
	if !second.Cached || second.Release.ID != first.Release.ID || h.spent(privacy.DatasetAccount("visits")) != spent {
		t.Errorf("another purpose made %s of %s", second.Release.ID, first.Release.ID)
	}
	if second.Release.Purpose != "reporting" || second.Release.Policy != h.policies.InForce() || first.Release.Policy != 1 {
		t.Errorf("%+v after %+v", second.Release, first.Release)
	}
	theirs, err := h.Query(t.Context(), other, question.Request{SQL: byWard, Purpose: "audit"})
	h.must(err)
	for reader, want := range map[string]struct {
		p       privacy.Principal
		purpose string
		policy  int64
	}{"the first": {analyst, "research", 1}, "the other": {other, "audit", 2}} {
		items, _, err := h.Releases(t.Context(), want.p, "", 10)
		h.must(err)
		if len(items) != 1 || items[0].ID != theirs.Release.ID || items[0].Purpose != want.purpose || items[0].Policy != want.policy {
			t.Errorf("%s lists %+v, want purpose %s by policies %d", reader, items, want.purpose, want.policy)
		}
	}
}

// TestStoredReleasesAreDecidedAnew: that a release is stored permits nobody to
// read it, neither another reader nor a repeated request.
func TestStoredReleasesAreDecidedAnew(t *testing.T) {
	h := newHouse(t)
	again := func(r *question.Request) { r.IdempotencyKey = "again" }
	h.mustAsk(byWard, again)
	h.rule(`@id("no") forbid (principal == Principal::"key_other", action, resource);`)
	if _, err := h.Query(t.Context(), other, question.Request{SQL: byWard}); privacy.CodeOf(err) != privacy.CodeForbidden {
		t.Errorf("another reader: %v, want forbidden", err)
	}
	h.mustAsk(byWard, again)
	h.rule(forbidWhen(`context.aggregates.contains("count")`))
	for name, change := range map[string]func(*question.Request){"the same": func(*question.Request) {}, "repeated": again} {
		_, err := h.ask(byWard, change)
		if privacy.CodeOf(err) != privacy.CodeForbidden {
			t.Errorf("%s question: %v, want forbidden", name, err)
		}
		if query.Unpaid(err) != (name == "the same") { // a repeated one finds its charge, and may wait for its run
			t.Errorf("%s question: unpaid is %t", name, query.Unpaid(err))
		}
	}
}

// TestExcludedTenantsAreDecidedAnew: when exhausted tenants are left out, the
// policies see who is left.
func TestExcludedTenantsAreDecidedAnew(t *testing.T) {
	h := newHouse(t)
	h.budget(privacy.TenantAccount("south"), 0.01)
	h.rule(forbidWhen(`context.tenants == ["north"]`))
	_, err := h.ask(byWard, func(r *question.Request) { r.OnExhausted = question.OnExhaustedExclude })
	if privacy.CodeOf(err) != privacy.CodeForbidden || h.spent(privacy.TenantAccount("north")) != 0 {
		t.Errorf("%v, want forbidden and nothing charged", err)
	}
}
