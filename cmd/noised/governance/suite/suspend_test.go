//go:build governance

package suite

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// TestASuspensionEndsRunningQueries: questions that run when their tenant is
// suspended end at once and have no answer. What is reported is the longest of them,
// from the call that suspends.
func TestASuspensionEndsRunningQueries(t *testing.T) {
	s := newServer(t, newCA(t))
	l := newLineage(t, s)
	tenant := l.tenants[0]
	op := s.api(s.operator)
	var rows strings.Builder
	rows.WriteString("person,kind,minutes\n")
	for i := range 2_000_000 {
		fmt.Fprintf(&rows, "p%d,%c,%d\n", i, 'x'+i%2, i%100)
	}
	for range 2 {
		made, err := l.loader[tenant].Upload(t.Context(), wire.Upload{Dataset: shared, ContentType: wire.TypeCSV}, strings.NewReader(rows.String()))
		check(t, err)
		done, err := l.loader[tenant].Wait(t.Context(), made.ID, nil)
		check(t, err)
		if done.State != wire.LoadStateSucceeded {
			t.Fatalf("the load %s", done.State)
		}
	}
	k, err := op.CreateKey(t.Context(), wire.KeyRequest{Role: wire.Analyst, Tenant: &tenant})
	check(t, err)

	// More questions than run at a time, each of them another release, so that some
	// are at work whenever the suspension comes.
	const questions = 12
	ended, answers := make([]time.Time, questions), make([]answer, questions)
	var asking sync.WaitGroup
	for i := range questions {
		asking.Go(func() {
			c := &caller{client: s.client(), bearer: k.Key}
			answers[i] = s.send(c, request{method: http.MethodPost, path: "/v1/query", media: wire.TypeJSON,
				body: fmt.Sprintf(`{"sql": "SELECT minutes // 3 AS m, count(DISTINCT person) AS n, sum(minutes) AS s FROM %s WHERE minutes > 0 GROUP BY 1", "epsilon": %g, "tenants": [%q]}`,
					shared, 1+float64(i)/1000, tenant)})
			ended[i] = time.Now()
		})
	}
	charged := func() bool { // the first is past its charge, and at work or done
		b, err := l.budget(tenant)
		check(t, err)
		return b > 0
	}
	eventually(t, "a question was charged", charged)
	began := time.Now()
	_, err = op.SetSuspended(t.Context(), tenant, true)
	check(t, err)
	asking.Wait()
	longest, stopped := time.Duration(0), 0
	for i, a := range answers {
		switch {
		case a.ok() && ended[i].Sub(began) > time.Second:
			t.Errorf("an answer left %s after the suspension", ended[i].Sub(began))
		case !a.ok() && a.code() != "suspended":
			t.Errorf("a question ended with %d %s", a.status, a.body)
		case !a.ok():
			stopped++
		}
		longest = max(longest, ended[i].Sub(began))
	}
	if stopped == 0 {
		t.Error("every question had its answer: none was running")
	}
	report(t, "suspend_ms", longest.Milliseconds())
	report(t, "queries_stopped", stopped)
}

// budget is what a tenant has spent.
func (l *lineages) budget(tenant string) (float64, error) {
	b, err := l.budgets[tenant].TenantBudget(l.t.Context(), tenant)
	return b.Spent.Epsilon, err
}
