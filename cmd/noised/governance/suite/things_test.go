package suite

import (
	"fmt"
	"strings"
)

// The tenants of the suite. Everything that the victim has is hidden from whoever
// belongs to the attacker; the suspended one has what nobody may use any more.
const (
	attacker  = "alpha"
	victim    = "beta"
	suspended = "gamma"
)

// The datasets: one that all joined, and one for each of two tenants alone.
const (
	shared     = "common"
	ofAttacker = "alphas"
	ofVictim   = "betas"
	canary     = "canary" // begins everything that only the victim may ever read
)

// everyKind begins the name of a template of each dataset.
const everyKind = "every_kind_of_"

// victimsRows is a file that the victim has loaded, and that others try to load in
// its name.
const victimsRows = "person,kind,minutes\nann,x,10\nann,y,20\nbob,x,30\ncec,x,40\ndan,y,50\n"

// ownRows is a policy: analysts that belong to a tenant ask of its rows only.
const ownRows = `
@id("own-rows")
forbid (principal, action in Action::"question", resource)
unless { principal.tenant == "" || [principal.tenant].containsAll(context.tenants) };
`

// contractOf is the contract of a dataset of visits. The members of the shared one
// join without asking each other.
func contractOf(dataset string, version int) string {
	text := fmt.Sprintf(`dataset: %s
version: %d
privacy_unit: {column: person, scope: tenant}
tenant_dimension: public
contribution: {max_partitions: 2, max_rows_per_partition: 2}
columns:
  person: {type: varchar, role: unit}
  kind: {type: varchar, role: dimension, domain: {values: [x, y]}}
  minutes: {type: integer, role: measure, bounds: [0, 100]}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
`, dataset, version)
	if dataset != shared {
		text += "approvals: {tenants: affected, expires_after: 72h}\n"
	}
	return text
}

// wider is a contract's next version, which waits for the consent of its members.
func wider(dataset string) string {
	return strings.Replace(contractOf(dataset, 2), "bounds: [0, 100]", "bounds: [0, 200]", 1)
}
