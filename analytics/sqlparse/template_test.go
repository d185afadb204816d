package sqlparse

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// An argument takes the place of its parameter, and is the same as if its value
// had been written there, whatever it looks like.
func TestParametersBecomeLiterals(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	hostile := "x' OR 1=1; DROP TABLE visits --$least"
	arguments := map[string]plan.Expr{
		"least": &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindInteger), 7)},
		"ward":  &plan.Literal{Value: plan.StringValue(hostile)},
		"day":   &plan.Cast{Arg: &plan.Literal{Value: plan.StringValue("2024-01-31")}, To: plan.Of(plan.KindDate)},
	}
	got, err := p.ParseTemplate(t.Context(), `WITH w AS (SELECT ward, minutes FROM visits WHERE minutes > $least AND day < $DAY) SELECT COUNT(*) AS n FROM w WHERE ward IN ($ward, 'b')`, arguments)
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Parse(t.Context(), `WITH w AS (SELECT ward, minutes FROM visits WHERE minutes > 7 AND day < DATE '2024-01-31') SELECT COUNT(*) AS n FROM w WHERE ward IN ('x'' OR 1=1; DROP TABLE visits --$least', 'b')`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(plan.Pos(0))); diff != "" {
		t.Error(diff)
	}

	refused := []string{
		"SELECT COUNT(*) FROM visits WHERE a > $least",                            // ward and day do not occur
		"SELECT COUNT(*) FROM visits WHERE a > $other AND b = $ward AND c = $day", // not declared
		"SELECT COUNT(*) FROM visits WHERE a > ? AND b = $ward AND c = $day",      // by its place
		"SELECT COUNT(*) FROM $ward WHERE a > $least AND b = $day",                // no value stands there
	}
	for _, sql := range refused {
		if _, err := p.ParseTemplate(t.Context(), sql, arguments); err == nil || privacy.CodeOf(err) == privacy.CodeInternal {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, err := p.Parse(t.Context(), "SELECT COUNT(*) FROM visits WHERE a > $least"); privacy.CodeOf(err) != privacy.CodeQueryNotPermitted {
		t.Errorf("a parameter outside a template: %v", err)
	}
}
