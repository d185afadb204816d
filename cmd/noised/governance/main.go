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
			{Name: "attempts", Says: "at least 2000", Met: verdict.AtLeast(2000)},
			{Name: "allowed", Says: "0", Met: verdict.Is(0)},
			{Name: "refusals_audited", Says: "1", Met: verdict.Is(1)},
			{Name: "policy_ms", Says: "under 0.2", Met: verdict.Under(0.2)},
			{Name: "suspend_ms", Says: "at most 1000", Met: verdict.AtMost(1000)},
			{Name: "lineage_complete", Says: "true", Met: verdict.Is(1)},
			{Name: "lineage_modelled", Says: "at least 1000", Met: verdict.AtLeast(1000)},
		},
	}.Main())
}
