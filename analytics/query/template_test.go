package query_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
)

// TestATemplateIsAskedAtNoLargerDelta: members agreed to what an answer may lose. At
// the same ε a larger δ buys less noise, and loses more.
func TestATemplateIsAskedAtNoLargerDelta(t *testing.T) {
	h := newHouseOf(t, strings.Replace(visits, "columns:", "queries: templates\ncolumns:", 1), &scripted{count: 1000}, 3, time.Minute)
	h.must(h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return template.PutIn(ctx, tx, "visits", "wards", &template.Template{SQL: byWard, Epsilon: 0.5}, operator, time.Now())
	}))
	north := privacy.TenantAccount("north")
	for _, tt := range []struct {
		delta float64
		code  privacy.Code
	}{{1e-9, ""}, {1e-10, ""}, {1.1e-9, privacy.CodePrivacyParameters}, {0.1, privacy.CodePrivacyParameters}} {
		before := h.spent(north)
		r := question.Request{Template: "visits/wards", Delta: &tt.delta}
		_, err := h.Query(t.Context(), analyst, r)
		if privacy.CodeOf(err) != tt.code || err != nil && !query.Unpaid(err) {
			t.Errorf("δ %g: %v, want %q", tt.delta, err, tt.code)
		}
		if spent := h.spent(north) - before; tt.code != "" && spent > 0 {
			t.Errorf("δ %g: a refusal was charged", tt.delta)
		}
		if _, err := h.Explain(t.Context(), analyst, r); privacy.CodeOf(err) != tt.code {
			t.Errorf("δ %g explained: %v, want %q", tt.delta, err, tt.code)
		}
	}
}
