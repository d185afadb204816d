package query_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/privacy"
)

// allowance grants every tenant the same.
type allowance quota.Limits

func (a allowance) Of(context.Context, string) (quota.Limits, error) { return quota.Limits(a), nil }

// atMost admits so many queries at a time.
func atMost(n int64) allowance {
	l := quota.None()
	l[quota.Queries] = n
	return allowance(l)
}

func of(tenant, id string) privacy.Principal {
	return privacy.Principal{ID: id, Tenant: tenant, Role: privacy.RoleAnalyst}
}

// busy is a house that admits so many queries of a tenant at a time. Each of its runs
// says that it is running, and goes on when proceed is closed.
func busy(t *testing.T, most int64) (h *house, running <-chan struct{}, proceed chan struct{}) {
	began, proceed := make(chan struct{}), make(chan struct{})
	h = newHouse(t).with(func(o *query.Options) { o.Quotas, o.Timeout = atMost(most), time.Minute })
	h.engine.before = func(engine.Input) error {
		began <- struct{}{}
		<-proceed
		return nil
	}
	return h, began, proceed
}

// ward asks a question that nobody else asks.
func ward(n int) question.Request {
	epsilon := 0.01
	return question.Request{SQL: fmt.Sprintf("SELECT COUNT(*) AS n FROM visits WHERE days > %d AND days <> %d", n%10, n/10), Tenants: []string{"north"}, Epsilon: &epsilon}
}

// inLine waits until so many questions, which have been charged, wait for their run.
func (h *house) inLine(n int) {
	h.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for h.Waiting() < n {
		<-tick.C
	}
}

// TestQueriesOfATenantAtATime: what is beyond the quota is refused before it is
// charged; other tenants, and principals of none, do not count.
func TestQueriesOfATenantAtATime(t *testing.T) {
	h, running, proceed := busy(t, 2)
	var all sync.WaitGroup
	for i, p := range []privacy.Principal{of("a", "key_1"), of("a", "key_2"), of("b", "key_3"), of("", "key_4")} {
		all.Go(func() {
			if _, err := h.Query(t.Context(), p, ward(i)); err != nil {
				t.Error(err)
			}
		})
		<-running
	}
	before := h.spent(privacy.TenantAccount("north"))
	_, err := h.Query(t.Context(), of("a", "key_5"), ward(9))
	if privacy.CodeOf(err) != privacy.CodeRateLimited || !query.Unpaid(err) {
		t.Errorf("a third query of the tenant: %v", err)
	}
	if h.spent(privacy.TenantAccount("north")) != before {
		t.Error("a refusal was charged")
	}
	close(proceed)
	all.Wait()
	go func() { <-running }()
	if _, err := h.Query(t.Context(), of("a", "key_5"), ward(9)); err != nil {
		t.Errorf("when the others had ended: %v", err)
	}
}

// TestPricesCountAsQueries: to find the price of an accuracy takes the processor for
// long, and so a tenant must not ask for any number of prices at a time.
func TestPricesCountAsQueries(t *testing.T) {
	h, running, proceed := busy(t, 1)
	done := make(chan error)
	go func() {
		_, err := h.Query(t.Context(), of("a", "key_1"), ward(1))
		done <- err
	}()
	<-running
	if _, err := h.Explain(t.Context(), of("a", "key_2"), ward(2)); privacy.CodeOf(err) != privacy.CodeRateLimited {
		t.Errorf("beside as many as the tenant may have: %v", err)
	}
	if _, err := h.Explain(t.Context(), of("b", "key_3"), ward(2)); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	close(proceed)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := h.Explain(t.Context(), of("a", "key_2"), ward(2)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}

// TestWhoHangsUpStillCounts: a query whose caller has gone counts until its run has
// ended, or a tenant could have any number of them.
func TestWhoHangsUpStillCounts(t *testing.T) {
	h, running, proceed := busy(t, 1)
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := h.Query(ctx, of("a", "key_1"), ward(1))
		gone <- err
	}()
	<-running
	hangUp()
	<-gone
	if _, err := h.Query(t.Context(), of("a", "key_1"), ward(2)); privacy.CodeOf(err) != privacy.CodeRateLimited {
		t.Errorf("beside the one that was left: %v", err)
	}
	close(proceed)
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { <-running }()
	if _, err := h.Query(t.Context(), of("a", "key_1"), ward(2)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestRunsTakeTurns: one tenant that asks very much at once does not keep ten
// others waiting for all of it.
func TestRunsTakeTurns(t *testing.T) {
	h := newHouse(t)
	h = h.with(func(o *query.Options) { o.MaxConcurrent, o.Timeout = 1, time.Hour })
	const flood, polite = 25, 10
	var mu sync.Mutex
	var order []string
	running, proceed := make(chan struct{}, 1), make(chan struct{})
	h.engine.before = func(in engine.Input) error {
		mu.Lock()
		who := "flood"
		if strings.Contains(plan.Print(in.Plan.Filter), "ward") {
			who = "polite"
		}
		order = append(order, who)
		mu.Unlock()
		running <- struct{}{}
		<-proceed
		return nil
	}
	var all sync.WaitGroup
	ask := func(tenant string, n int) {
		r := ward(n)
		if tenant != "flood" {
			r.SQL += " AND ward = 'a'"
		}
		all.Go(func() {
			if _, err := h.Query(t.Context(), of(tenant, "key_"+tenant), r); err != nil {
				t.Error(err)
			}
		})
	}
	ask("flood", 0)
	<-running // holds the slot
	for i := 1; i < flood; i++ {
		ask("flood", i)
	}
	h.inLine(flood - 1)
	for i := range polite {
		ask(fmt.Sprintf("polite_%d", i), flood+i)
	}
	h.inLine(flood + polite - 1)
	for range flood + polite - 1 {
		proceed <- struct{}{}
		<-running
	}
	proceed <- struct{}{}
	all.Wait()
	last := 0
	for i, who := range order {
		if who == "polite" {
			last = i
		}
	}
	t.Logf("of %d runs, the last polite one was number %d", len(order), last+1)
	if last > 2*polite {
		t.Errorf("polite tenants waited for the flood: %v", order)
	}
}
