package query_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/privacy"
)

// Explain says how many queries of this price an account pays after this one:
// so many are answered, and the next is not.
func TestQueriesLeftIsHowManyAreAnswered(t *testing.T) {
	h := newHouse(t)
	h.budget(privacy.TenantAccount("south"), 2) // runs out first
	epsilon := 0.9
	ask := func(i int) question.Request {
		return question.Request{SQL: fmt.Sprintf("SELECT COUNT(*) AS n FROM visits WHERE days > %d", i), Epsilon: &epsilon}
	}
	x, err := h.Explain(t.Context(), analyst, ask(0))
	h.must(err)
	if x.Loss.Epsilon != epsilon || x.Loss.Delta != 1e-9 {
		t.Errorf("the loss is %+v, want what was asked for and the contract's default", x.Loss)
	}
	left := map[string]int64{}
	for _, c := range x.Charges {
		left[c.Account] = c.QueriesLeft
	}
	n := left["tenant:south"]
	if n < 1 || n >= left["tenant:north"] || left["tenant:north"] != left["dataset:visits"] {
		t.Fatalf("left: %v", left)
	}
	for i := range int(n) + 2 {
		_, err := h.Query(t.Context(), analyst, ask(i))
		if answered := i <= int(n); answered != (err == nil) || !answered && privacy.CodeOf(err) != privacy.CodeBudgetExhausted {
			t.Errorf("query %d of %d and one more: %v", i+1, n+1, err)
		}
	}
}

// Who asked for an accuracy that no budget pays for learns what it would cost,
// from EXPLAIN and from the query alike.
func TestARefusalForLackOfBudgetSaysThePrice(t *testing.T) {
	h := newHouse(t)
	absolute := 0.5
	r := question.Request{SQL: "SELECT COUNT(*) AS n FROM visits", Accuracy: &wish.Accuracy{Absolute: &absolute}}
	_, explained := h.Explain(t.Context(), analyst, r)
	_, asked := h.Query(t.Context(), analyst, r)
	for by, err := range map[string]error{"EXPLAIN": explained, "the query": asked} {
		e := privacy.AsError(err)
		if e == nil || e.Code != privacy.CodeBudgetExhausted || !strings.HasPrefix(e.Suggestion, "this query costs epsilon ") {
			t.Errorf("%s: %v, which suggests %q", by, err, privacy.AsError(err).Suggestion)
		}
	}
	if privacy.AsError(explained).Suggestion != privacy.AsError(asked).Suggestion {
		t.Error("EXPLAIN and the query name different prices")
	}
}
