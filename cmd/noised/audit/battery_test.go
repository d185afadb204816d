package main

import "testing"

// TestOnlyWhatIsAskedFor: a name that nothing has runs nothing, not everything.
func TestOnlyWhatIsAskedFor(t *testing.T) {
	all := len(mutations())
	for _, c := range []struct {
		only, tests string
		bugs        int
	}{
		{"", "^TestAudit", all},
		{"attack-03", "^TestAuditAttack03", 0},
		{"attack", "^TestAuditAttack", 0},
		{"distribution-laplace", "^TestAuditDistributions", 0},
		{"replay-joins", "^TestAuditReplay", 0},
		{"mutation", "", all},
		{"mutation-refund", "", 1},
		{"nothing-such", "", 0},
	} {
		if tests, bugs := pattern(c.only), chosen(c.only); tests != c.tests || len(bugs) != c.bugs {
			t.Errorf("-only %s runs the tests %q and %d mutations, want %q and %d", c.only, tests, len(bugs), c.tests, c.bugs)
		}
	}
}
