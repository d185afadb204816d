package contract_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract/contracttest"
	"github.com/noised/noised/analytics/plan"
)

func TestCodes(t *testing.T) {
	c := mustParse(t, contracttest.Around(`
  z: {type: varchar, role: dimension, domain: {values: [b, a]}}
  b: {type: boolean, role: dimension, domain: {values: [true]}}
  p: {type: varchar, role: dimension}
  x: {type: integer, role: measure, bounds: [0, 1]}`))
	want := map[string][]plan.Value{"z": {plan.StringValue("b"), plan.StringValue("a")}}
	if diff := cmp.Diff(want, c.Codes("")); diff != "" {
		t.Errorf("the codes of a table are those of declared texts, in declared order:\n%s", diff)
	}
	if got := c.Codes("elsewhere"); got != nil {
		t.Errorf("a table that there is not has codes: %v", got)
	}
}
