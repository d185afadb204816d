// Command governance runs the suite that tries the walls between tenants, and writes
// what it saw: how many attempts were made and allowed, the share of refusals on
// record, what a decision costs, how soon a suspension ends a query, and whether
// lineage is complete.
//
// The tests are those of package suite, with the build tag governance.
package main

import (
	"os"

	"github.com/noised/noised/cmd/noised/internal/verdict"
)

func main() {
	os.Exit(verdict.Suite{
		Name: "governance",
		Parts: []verdict.Part{
			{Package: "./cmd/noised/governance/suite", Tests: "."},
			{Package: "./analytics/lineage", Tests: "^TestLineageIsExactBothWays$"}, // the model that lineage is held to
		},
		Goals: []verdict.Goal{
			verdict.AtLeast("attempts", 2000),
			verdict.Is("allowed", 0),
			verdict.Is("refusals_audited", 1),
			verdict.Under("policy_ms", 0.2),
			verdict.AtMost("suspend_ms", 1000),
			verdict.IsTrue("lineage_complete"),
			verdict.AtLeast("lineage_modelled", 1000),
		},
	}.Main())
}
