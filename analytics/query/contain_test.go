package query_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// northAdmin is an admin of the tenant north.
var northAdmin = privacy.Principal{ID: "key_north", Role: privacy.RoleTenantAdmin, Tenant: "north"}

// subjects are all kinds of what a question of the analyst touches.
var subjects = map[string]struct {
	kind, name string
	by         privacy.Principal
}{
	"the tenant":    {containment.KindTenant, "north", operator},
	"by the tenant": {containment.KindTenant, "north", northAdmin},
	"the principal": {containment.KindPrincipal, analyst.ID, operator},
	"the dataset":   {containment.KindDataset, "visits", operator},
	"everything":    {containment.KindEverything, containment.All, operator},
}

func (h *house) suspend(s *containment.Service, kind, name string, by privacy.Principal) {
	h.t.Helper()
	_, err := s.Suspend(context.Background(), kind, name, "a test", by)
	h.must(err)
}

// releases counts what has left.
func (h *house) releases() (n int) {
	h.t.Helper()
	h.must(h.db.QueryRowContext(h.t.Context(), `SELECT count(*) FROM releases`).Scan(&n))
	return n
}

// held is an engine's run that waits at the moment when rows would be read.
func (h *house) held() (began <-chan struct{}, goOn func()) {
	reached, gate := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.engine.before = func(engine.Input) error {
		once.Do(func() { close(reached) })
		<-gate
		return nil
	}
	return reached, sync.OnceFunc(func() { close(gate) })
}

func wantStopped(t *testing.T, err error) {
	t.Helper()
	const want = "what this question touches was suspended; its charge stands, and once that is lifted the same question is answered for it"
	if e := privacy.AsError(err); e == nil || e.Code != privacy.CodeSuspended || e.Message != want || query.Unpaid(err) {
		t.Errorf("%v (unpaid %t)", err, query.Unpaid(err))
	}
}

func TestASuspensionStopsARunningQuestion(t *testing.T) {
	for name, c := range subjects {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			began, goOn := h.held()
			defer goOn()
			answered := make(chan error, 1)
			go func() {
				_, err := h.ask(byWard)
				answered <- err
			}()
			<-began
			h.suspend(h.options.Containment, c.kind, c.name, c.by)
			goOn()
			wantStopped(t, <-answered)
			paid := h.spent(privacy.TenantAccount("north"))
			if paid == 0 || h.releases() != 0 {
				t.Errorf("spent %d, %d releases", paid, h.releases())
			}
			// Neither a restart nor asking again brings it out.
			h.must(h.Recover(t.Context()))
			if h.releases() != 0 {
				t.Error("recovery released it")
			}
			h.must(h.options.Containment.Lift(t.Context(), c.kind, c.name, c.by))
			h.mustAsk(byWard)
			if got := h.spent(privacy.TenantAccount("north")); got != paid || h.releases() != 1 {
				t.Errorf("afterwards: spent %d, want %d; %d releases", got, paid, h.releases())
			}
		})
	}
}

// TestNothingIsStoredAfterASuspension: the process that runs the question has not
// noticed what another one has done.
func TestNothingIsStoredAfterASuspension(t *testing.T) {
	for name, c := range subjects {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			elsewhere := containment.New(h.db, time.Now)
			h.engine.before = func(engine.Input) error {
				_, err := elsewhere.Suspend(context.Background(), c.kind, c.name, "a test", c.by)
				return err
			}
			_, err := h.ask(byWard)
			wantStopped(t, err)
			if h.releases() != 0 {
				t.Error("a release was stored")
			}
		})
	}
}

func TestStoppedRunsAreNotAttempts(t *testing.T) {
	h := newHouse(t)
	elsewhere := containment.New(h.db, time.Now)
	for range 10 { // more than abandon a charge
		h.engine.before = func(engine.Input) error {
			_, err := elsewhere.Suspend(context.Background(), containment.KindDataset, "visits", "a test", operator)
			return err
		}
		_, err := h.ask(byWard)
		wantStopped(t, err)
		h.must(elsewhere.Lift(t.Context(), containment.KindDataset, "visits", operator))
	}
	h.engine.before = nil
	h.mustAsk(byWard)
}

// TestASuspendedNeighbourStopsNobodyElse: two analysts share a run, and the one
// who paid for it is suspended.
func TestASuspendedNeighbourStopsNobodyElse(t *testing.T) {
	h := newHouse(t)
	began, goOn := h.held()
	defer goOn()
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := h.ask(byWard)
		first <- err
	}()
	<-began
	go func() {
		_, err := h.Query(context.Background(), other, question.Request{SQL: byWard})
		second <- err
	}()
	h.suspend(h.options.Containment, containment.KindPrincipal, analyst.ID, operator)
	goOn()
	wantStopped(t, <-first)
	if err := <-second; err != nil {
		t.Errorf("the other analyst: %v", err)
	}
}

func TestASuspendedDatasetIsNotAnswered(t *testing.T) {
	h := newHouse(t)
	key := func(r *question.Request) { r.IdempotencyKey = "once" }
	stored := h.mustAsk(byWard, key)
	h.suspend(h.options.Containment, containment.KindDataset, "visits", operator)
	for what, ask := range map[string]func() error{
		"a stored question": func() error { _, err := h.ask(byWard); return err },
		"a repeated one":    func() error { _, err := h.ask(byWard, key); return err },
		"a new one":         func() error { _, err := h.ask("SELECT COUNT(*) AS n FROM visits"); return err },
		"its price": func() error {
			_, err := h.Explain(context.Background(), analyst, question.Request{SQL: byWard})
			return err
		},
		"a release": func() error { _, err := h.Release(context.Background(), analyst, stored.Release.ID); return err },
	} {
		if err := ask(); !containment.Is(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
