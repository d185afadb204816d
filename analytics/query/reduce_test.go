package query_test

import (
	"testing"

	"github.com/noised/noised/privacy"
)

// TestSubqueriesAreAnotherSpelling: what reduces to a query that was paid for is
// that query, and what does not is refused before it costs anything.
func TestSubqueriesAreAnotherSpelling(t *testing.T) {
	h := newHouse(t)
	first := h.mustAsk("SELECT ward, SUM(days) AS total FROM visits WHERE days > 2 GROUP BY ward")
	for _, sql := range []string{
		"SELECT w AS ward, SUM(d) AS total FROM (SELECT ward AS w, days AS d FROM visits WHERE days > 2) v GROUP BY w",
		"WITH v AS (SELECT * FROM visits WHERE days > 2) SELECT ward, SUM(v.days) AS total FROM v GROUP BY ward",
		"SELECT * FROM (SELECT ward, SUM(days) AS total FROM visits WHERE days > 2 GROUP BY ward) WHERE total > -1e9",
	} {
		again := h.mustAsk(sql)
		if !again.Cached || again.Release.ID != first.Release.ID {
			t.Errorf("%s is release %s (cached: %t), want %s", sql, again.Release.ID, again.Cached, first.Release.ID)
		}
	}
	runs := h.engine.ran()
	for sql, code := range map[string]privacy.Code{
		"SELECT AVG(n) FROM (SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward) x":      privacy.CodeQueryNotPermitted,
		"SELECT SUM(days) FROM (SELECT ward FROM visits) x":                                privacy.CodeUnknownColumn,
		"SELECT COUNT(*) FROM visits JOIN visits v ON visits.ward = v.ward":                privacy.CodeQueryNotPermitted,
		"SELECT COUNT(*) FROM visits JOIN others ON visits.ward = others.ward":             privacy.CodeQueryNotPermitted,
		"SELECT COUNT(*) FROM (SELECT days FROM visits WHERE person = 1) x WHERE days > 0": privacy.CodeQueryNotPermitted,
	} {
		if _, err := h.ask(sql); privacy.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", sql, err, code)
		}
	}
	if h.engine.ran() != runs {
		t.Error("a refused query was run")
	}
}
