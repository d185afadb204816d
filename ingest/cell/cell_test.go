package cell_test

import (
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/cell"
)

// TestVerdictsAreTakenApart: the column, the rule and the value, whatever is in
// the value.
func TestVerdictsAreTakenApart(t *testing.T) {
	for _, tt := range []struct {
		verdict string
		column  int
		reason  string
		value   string
	}{
		{"0|u|", 0, "the unit id is missing or blank", ""},
		{"0|k|\t", 0, "the key that leads to the unit is missing or blank", "\t"},
		{"12|w|a|b|c", 12, "not a whole number, which tinyint needs", "a|b|c"},
		{"3|c|x", 3, "not a tinyint: a whole number from -128 to 127", "x"},
	} {
		column, rule, value := cell.Parse(tt.verdict)
		if reason := cell.Reason(rule, plan.Of(plan.KindTinyint)); column != tt.column || value != tt.value || reason != tt.reason {
			t.Errorf("%q is about column %d, %q, %q", tt.verdict, column, reason, value)
		}
	}
}

// TestEveryTypeHasAVerdict on what cannot be cast, and a reason to tell.
func TestEveryTypeHasAVerdict(t *testing.T) {
	for _, kind := range []plan.Kind{
		plan.KindBoolean, plan.KindTinyint, plan.KindSmallint, plan.KindInteger, plan.KindBigint,
		plan.KindDecimal, plan.KindDouble, plan.KindVarchar, plan.KindDate, plan.KindTimestamp,
	} {
		typ := plan.Of(kind)
		first := cell.Verdicts(4, typ, true)[0]
		if !strings.HasPrefix(first, "WHEN r4 IS NOT NULL AND k4 IS NULL THEN '4|c|'") {
			t.Errorf("%s: %s", typ, first)
		}
		if _, rule, _ := cell.Parse("4|c|"); !strings.HasPrefix(cell.Reason(rule, typ), "not a") {
			t.Errorf("%s: %q", typ, cell.Reason(rule, typ))
		}
	}
}
