package sqlexpr

import (
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
)

func TestLiterals(t *testing.T) {
	for _, tt := range []struct {
		value plan.Value
		want  string
	}{
		{plan.Null(plan.Of(plan.KindDate)), "CAST(NULL AS DATE)"},
		{plan.BoolValue(true), "TRUE"},
		{plan.IntValue(plan.Of(plan.KindTinyint), -3), "CAST('-3' AS TINYINT)"},
		{plan.IntValue(plan.Type{Kind: plan.KindDecimal, Precision: 4, Scale: 3}, -5), "CAST('-0.005' AS DECIMAL(4,3))"},
		{plan.FloatValue(1e-320), "CAST('1e-320' AS DOUBLE)"},
		{plan.StringValue(`';--`), `''';--'`},
		{plan.IntValue(plan.Of(plan.KindDate), -1), "make_date(-1)"},
		{plan.IntValue(plan.Of(plan.KindTimestamp), 1), "make_timestamp(1)"},
		{plan.IntValue(plan.Of(plan.KindTimestamp), 1<<63-1), "CAST('infinity' AS TIMESTAMP)"},
		{plan.IntValue(plan.Of(plan.KindTimestamp), -(1<<63 - 1)), "CAST('-infinity' AS TIMESTAMP)"},
	} {
		if got, err := Literal(tt.value); got != tt.want || err != nil {
			t.Errorf("Literal(%+v) = %s, %v; want %s", tt.value, got, err, tt.want)
		}
	}
}

// No text of a user's can leave its quotes.
func FuzzQuoteText(f *testing.F) {
	for _, s := range []string{"", "'", "''", `\'`, "a\x00b", "é'; DROP TABLE rows; --"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := QuoteText(s)
		if err != nil {
			if !strings.Contains(s, "\x00") {
				t.Fatalf("%q was refused", s)
			}
			return
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(quoted, "'"), "'")
		if len(inner)+2 != len(quoted) || strings.Contains(strings.ReplaceAll(inner, "''", ""), "'") || strings.ReplaceAll(inner, "''", "'") != s {
			t.Fatalf("%q became %s", s, quoted)
		}
	})
}
