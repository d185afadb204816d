package query_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/template"
)

// TestAskedTellsQuestionsApart: also those that are sealed, and those that differ in
// the arguments of a template alone.
func TestAskedTellsQuestionsApart(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		h := newHouse(t)
		if sealed {
			h.seal()
		}
		h.must(h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			return template.PutIn(ctx, tx, "visits", "longer", &template.Template{
				SQL: "SELECT COUNT(*) AS n FROM visits WHERE days > $least AND ward <> $ward", Epsilon: 0.5,
				Parameters: map[string]template.Parameter{"least": {Type: "integer"}, "ward": {Type: "varchar"}},
			}, operator, time.Now())
		}))
		h.mustAsk(byWard)
		for _, least := range []string{"1", "2"} {
			_, err := h.Query(t.Context(), of("a", "key_a"), question.Request{
				Template: "visits/longer", Parameters: map[string]json.RawMessage{"least": json.RawMessage(least), "ward": json.RawMessage(`"it's"`)},
			})
			h.must(err)
		}
		rows, err := h.db.QueryContext(t.Context(), `SELECT key, payload FROM charges ORDER BY seq`)
		h.must(err)
		defer rows.Close()
		var texts, tenants []string
		for rows.Next() {
			var key string
			var payload []byte
			h.must(rows.Scan(&key, &payload))
			text, tenant, err := h.book().Asked(t.Context(), key, payload)
			h.must(err)
			texts, tenants = append(texts, text), append(tenants, tenant)
		}
		h.must(rows.Err())
		if len(texts) != 3 || texts[0] != byWard || texts[1] == texts[2] || !strings.HasSuffix(texts[2], "\nAND least = '2'\nAND ward = 'it''s'") {
			t.Errorf("sealed %t: %q", sealed, texts)
		}
		if got := strings.Join(tenants, " "); got != " a a" {
			t.Errorf("sealed %t: asked for %q", sealed, got)
		}
	}
}
