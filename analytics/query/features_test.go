package query_test

import (
	"context"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/flags"
)

// switched has flags off for scopes.
type switched map[string]func(flags.Scope) bool

func (s switched) On(_ context.Context, flag string, scope flags.Scope) bool {
	off := s[flag]
	return off == nil || !off(scope)
}

func offFor(tenant string) func(flags.Scope) bool {
	return func(s flags.Scope) bool { return s.Tenant == tenant && s.Dataset == "visits" }
}

// TestFeaturesThatAreOffRefuse: before anything is charged or run, and nothing else.
func TestFeaturesThatAreOffRefuse(t *testing.T) {
	h := newHouse(t)
	only := func(name string) func(*question.Request) {
		return func(r *question.Request) { r.Tenants = []string{name} }
	}
	for _, c := range []struct {
		flag, says string
		change     func(*question.Request)
		refused    bool
	}{
		{flags.JointQueries, `queries over several tenants are switched off for tenant "south"`, func(*question.Request) {}, true},
		{flags.JointQueries, "", only("south"), false},
		{flags.PersonScope, `a person in several tenants for one are switched off for tenant "south"`, only("south"), true},
		{flags.PersonScope, "", only("north"), false},
	} {
		s := h.with(func(o *query.Options) { o.Features = switched{c.flag: offFor("south")} })
		before := h.spent(privacy.DatasetAccount("visits"))
		_, err := s.ask(byWard, c.change)
		switch {
		case !c.refused && err != nil:
			t.Errorf("%s: %v", c.flag, err)
		case c.refused && (privacy.CodeOf(err) != privacy.CodeForbidden || !strings.Contains(privacy.AsError(err).Message, c.says) || !query.Unpaid(err)):
			t.Errorf("%s: %v", c.flag, err)
		case c.refused && (s.engine.ran() > 0 || h.spent(privacy.DatasetAccount("visits")) != before):
			t.Errorf("%s: a refusal ran or was charged", c.flag)
		}
		if _, err := s.Explain(t.Context(), analyst, question.Request{SQL: byWard}); c.flag == flags.PersonScope && privacy.CodeOf(err) != privacy.CodeForbidden {
			t.Errorf("%s: explain: %v", c.flag, err)
		}
	}
}

// TestAnswersAreNotShared: who has paid sees it again; another principal does not,
// and pays for nothing.
func TestAnswersAreNotShared(t *testing.T) {
	h := newHouse(t)
	s := h.with(func(o *query.Options) {
		o.Features = switched{flags.SharedReleases: func(s flags.Scope) bool { return s.Principal == other.ID && s.Tenant == "north" }}
	})
	first := s.mustAsk(byWard)
	if again := s.mustAsk(byWard); again.Release.ID != first.Release.ID {
		t.Error("who paid got another release")
	}
	for _, key := range []string{"", "k", "k"} {
		_, err := s.Query(t.Context(), other, question.Request{SQL: byWard, IdempotencyKey: key})
		if privacy.CodeOf(err) != privacy.CodeForbidden || !strings.Contains(privacy.AsError(err).Message, "answered to another principal") {
			t.Errorf("another principal, key %q: %v", key, err)
		}
	}
	south := question.Request{SQL: byWard, Tenants: []string{"south"}}
	if _, err := s.Query(t.Context(), analyst, south); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Query(t.Context(), other, south); err != nil {
		t.Errorf("where answers are shared: %v", err)
	}
}
