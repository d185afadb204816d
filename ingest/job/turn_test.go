package job_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
)

// TestTenantsTakeTurns: a tenant that brings many loads at once waits for its
// turn, and those who come later do not wait for all of them.
func TestTenantsTakeTurns(t *testing.T) {
	h := newHouse(t)
	h.join("b", 1)
	h.join("c", 1)
	h.Serve(func(o *job.Options) { o.Concurrency = 1 })
	var loads []job.Load
	for _, tenant := range []string{"a", "a", "a", "b", "b", "c"} {
		loads = append(loads, h.Send(request(func(r *job.Request) { r.Tenant, r.By = tenant, ingesttest.Contributor(tenant) }), "person,city,rating\n1,Bonn,3\n"))
	}
	h.Start()
	for i, l := range loads {
		loads[i] = h.Ended(l)
	}
	slices.SortFunc(loads, func(x, y job.Load) int { return x.FinishedAt.Compare(*y.FinishedAt) })
	var order strings.Builder
	for _, l := range loads {
		order.WriteString(l.Tenant)
	}
	if got := order.String(); got != "abcaba" {
		t.Errorf("tenants took turns as %s, want abcaba", got)
	}
}
