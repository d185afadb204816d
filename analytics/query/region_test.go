package query_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/privacy"
)

// with is another server on the same control store, with other options.
func (h *house) with(change func(*query.Options)) *house {
	h.t.Helper()
	parser, err := sqlparse.New()
	h.must(err)
	h.t.Cleanup(func() { _ = parser.Close() })
	other := *h
	other.engine = &scripted{count: 1000}
	o := query.Options{
		DB: h.db, Catalog: h.catalog, Ledger: h.ledger, Store: release.New(h.db), Parser: parser, Engine: other.engine, Policies: h.policies,
		DataDir: h.dir, Log: slog.New(slog.NewTextHandler(h.log, nil)), Now: time.Now, Timeout: time.Minute,
	}
	change(&o)
	other.open(o)
	return &other
}

// in is another server, which serves regions.
func (h *house) in(regions ...string) *house {
	h.t.Helper()
	served, err := residency.Of(regions)
	h.must(err)
	return h.with(func(o *query.Options) { o.Regions = served })
}

func exclude(r *question.Request) { r.OnElsewhere = question.OnElsewhereExclude }

// TestQueriesStayInTheirRegion: a query that would read a tenant of another region
// is refused before anything is charged or run, unless the caller would have that
// tenant left out; then the others answer, and only they pay.
func TestQueriesStayInTheirRegion(t *testing.T) {
	h := newHouse(t)
	h.must(h.catalog.SetRegion(t.Context(), "north", "eu", operator, residency.Regions{}))
	h.must(h.catalog.SetRegion(t.Context(), "south", "ch", operator, residency.Regions{}))
	eu := h.in("EU")

	_, err := eu.ask(byWard)
	if privacy.CodeOf(err) != privacy.CodeForbidden || !query.Unpaid(err) || !slices.Equal(residency.Refused(err), []string{"south"}) {
		t.Errorf("a query over both: %v", err)
	}
	if _, err := eu.Explain(t.Context(), analyst, question.Request{SQL: byWard}); privacy.CodeOf(err) != privacy.CodeForbidden {
		t.Errorf("explain: %v", err)
	}
	only := func(names ...string) func(*question.Request) { return func(r *question.Request) { r.Tenants = names } }
	if _, err := eu.ask(byWard, only("south"), exclude); privacy.CodeOf(err) != privacy.CodeForbidden {
		t.Errorf("nobody is left: %v", err)
	}
	if _, err := eu.ask(byWard, func(r *question.Request) { r.OnElsewhere = "maybe" }); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("an unknown wish: %v", err)
	}
	if eu.engine.ran() != 0 || h.spent(privacy.TenantAccount("north")) != 0 || h.spent(privacy.DatasetAccount("visits")) != 0 {
		t.Error("a refusal read rows, or was charged")
	}

	eu.mustAsk(byWard+" ", only("north"))
	eu.mustAsk("SELECT COUNT(*) AS n FROM visits WHERE tenant <> 'south'")
	a := eu.mustAsk("SELECT ward, SUM(days) AS n FROM visits GROUP BY ward", exclude)
	if h.spent(privacy.TenantAccount("north")) == 0 || h.spent(privacy.TenantAccount("south")) != 0 {
		t.Error("not those paid who answered")
	}
	again := h.in("eu", "us").mustAsk("SELECT ward, SUM(days) AS n FROM visits GROUP BY ward", only("north"))
	if again.Release.ID != a.Release.ID {
		t.Error("who is left out makes another release than who is not asked")
	}
	h.in("eu", "ch").mustAsk(byWard)
	h.mustAsk(byWard) // all regions are served: the same release
}

// TestAQueryThatLeavesOutRepeats: an Idempotency-Key is bound to what was sent.
func TestAQueryThatLeavesOutRepeats(t *testing.T) {
	h := newHouse(t)
	h.must(h.catalog.SetRegion(t.Context(), "north", "eu", operator, residency.Regions{}))
	eu := h.in("eu")
	key := func(r *question.Request) { r.IdempotencyKey = "k" }
	first := eu.mustAsk(byWard, exclude, key)
	if again := eu.mustAsk(byWard, exclude, key); again.Release.ID != first.Release.ID {
		t.Error("a repeated request got another release")
	}
	if _, err := eu.ask(byWard, key); privacy.CodeOf(err) != privacy.CodeIdempotencyMismatch {
		t.Errorf("another request: %v", err)
	}
}

// TestChargesWaitForTheirRegion: what was charged where the rows are is finished
// there, and another server lets it be.
func TestChargesWaitForTheirRegion(t *testing.T) {
	h := newHouse(t)
	h.engine.before = func(engine.Input) error { return privacy.Errorf(privacy.CodeUnavailable, "not now") }
	if _, err := h.ask(byWard); err == nil {
		t.Fatal("the run did not fail")
	}
	h.must(h.catalog.SetRegion(t.Context(), "north", "eu", operator, residency.Regions{}))
	eu := h.in("eu") // the tenant south has no region
	h.must(eu.Recover(t.Context()))
	if eu.engine.ran() != 0 || strings.Contains(h.log.String(), "could not be redeemed") {
		t.Errorf("ran %d times: %s", eu.engine.ran(), h.log)
	}
	h.engine.before = nil
	h.must(h.Recover(t.Context()))
	if pending, err := h.ledger.Pending(t.Context()); err != nil || len(pending) != 0 {
		t.Errorf("%d charges are pending, %v", len(pending), err)
	}
}
