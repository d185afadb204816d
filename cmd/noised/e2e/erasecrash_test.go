package e2e

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// erase has people erased from a tenant's data, and waits until they are.
func (s *site) erase(tenant string, units ...string) wire.Erasure {
	s.t.Helper()
	api := s.api(s.Loader[tenant])
	e, err := api.Erase(s.t.Context(), s.Dataset, tenant, "", units)
	check(s.t, err)
	return s.erased(tenant, e.ID)
}

// erased waits for an erasure that was asked for.
func (s *site) erased(tenant, id string) wire.Erasure {
	s.t.Helper()
	e, err := s.api(s.Loader[tenant]).WaitErased(s.t.Context(), id, nil)
	check(s.t, err)
	if e.State != wire.ErasureStateSucceeded {
		s.t.Fatalf("the erasure %s: %+v", e.State, e.Error)
	}
	return e
}

// TestKilledWhileErasing kills the server at random moments while clients ask and people
// are erased. After every restart the erasure comes to its end. Questions that broke off
// are asked again by their Idempotency-Keys when the generation that they were charged on
// is no more: each is answered for the charge that was made, on the generation that is
// current, and in the end no charge is pending and none is there twice.
func TestKilledWhileErasing(t *testing.T) {
	c := &crash{site: newSite(t, crashFlags...), keyed: true}
	c.budget(generous)
	ended := 0
	for life := range times(8, 60) {
		tenant := c.Tenants[life%len(c.Tenants)]
		e, err := c.api(c.Loader[tenant]).Erase(t.Context(), c.Dataset, tenant, "", []string{strconv.Itoa(life + 1), strconv.Itoa(life + 1000)})
		check(t, err)
		c.live(time.Duration(rand.Int64N(int64(1200 * time.Millisecond))))
		c.start(crashFlags...)
		if now, err := c.api(c.Loader[tenant]).Erasure(t.Context(), e.ID); err == nil && now.Finished() {
			ended++
		}
		if e = c.erased(tenant, e.ID); e.Generation == nil {
			t.Errorf("%+v published nothing", e)
		}
		c.findAnswers()
	}
	t.Logf("%d answers, %d questions broke off, %d erasures had ended when the server was killed", len(c.answers), len(c.broken), ended)
	c.askBrokenAgain()
	c.checkCharges()
}

// TestQuestionsWhileErasing: questions that run while the files under them go are
// answered, each once.
func TestQuestionsWhileErasing(t *testing.T) {
	c := &crash{site: newSite(t, "--request-rate", "1e6"), keyed: true}
	c.budget(generous)
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(t, 4, times(150, 1000), func(int) {
			q := c.question()
			got, ok := c.attempt(q)
			c.mu.Lock()
			defer c.mu.Unlock()
			if !ok {
				t.Errorf("ε = %g was not answered", *q.Epsilon)
				return
			}
			c.answers = append(c.answers, got)
		})
	}()
	for n := 1; ; n++ {
		select {
		case <-done:
			c.checkCharges()
			t.Logf("%d erasures", n-1)
			return
		default:
			c.erase(c.Tenants[n%len(c.Tenants)], strconv.Itoa(n))
		}
	}
}

// TestErasuresRepeatHarmlessly: the same request under the same Idempotency-Key is the
// same erasure, and another under it is refused.
func TestErasuresRepeatHarmlessly(t *testing.T) {
	s := newSite(t)
	tenant := s.Tenants[0]
	api := s.api(s.Loader[tenant])
	first, err := api.Erase(t.Context(), s.Dataset, tenant, "once", []string{"7"})
	check(t, err)
	s.erased(tenant, first.ID)
	again, err := api.Erase(t.Context(), s.Dataset, tenant, "once", []string{"7"})
	check(t, err)
	if again.ID != first.ID || *again.Nonce != *first.Nonce {
		t.Errorf("%+v, and then %+v", first, again)
	}
	if _, err := api.Erase(t.Context(), s.Dataset, tenant, "once", []string{"8"}); err == nil {
		t.Error("another request passed for the same")
	} else if p, ok := wire.AsProblem(err); !ok || p.Status != http.StatusUnprocessableEntity {
		t.Error(err)
	}
	list, err := api.Erasures(t.Context(), "", 10)
	check(t, err)
	if len(list.Items) != 1 {
		t.Errorf("%d erasures", len(list.Items))
	}
}
