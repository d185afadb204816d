package job_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/ingest/job"
)

// TestTenantsTakeTurns: a tenant that brings many loads at once waits for its
// turn, and those who come later do not wait for all of them.
func TestTenantsTakeTurns(t *testing.T) {
	h := newHouse(t)
	h.join("b", 1)
	h.join("c", 1)
	var err error
	h.Service, err = job.New(job.Options{
		DB: h.db, Catalog: h.cat, Dir: h.dir, Workers: workers(t), MaxUpload: 1 << 20, Concurrency: 1,
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	h.must(err)
	var loads []job.Load
	for _, tenant := range []string{"a", "a", "a", "b", "b", "c"} {
		loads = append(loads, h.create(request(func(r *job.Request) { r.Tenant, r.By = tenant, contributor(tenant) }), "person,city,rating\n1,Bonn,3\n"))
	}
	h.run()
	for i, l := range loads {
		h.eventually("a load of "+l.Tenant+" ends", func() bool {
			loads[i], err = h.Get(t.Context(), l.Tenant, l.ID)
			return err == nil && loads[i].State.Finished()
		})
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
