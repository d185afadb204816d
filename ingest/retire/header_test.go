package retire_test

import (
	"context"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/job"
)

// TestAFileWithoutAHeader is a usual mistake: its first row is taken for names of
// columns, the load fails, and says which names it found.
func TestAFileWithoutAHeader(t *testing.T) {
	h := newHouse(t)
	h.run()
	l, err := h.jobs.Create(context.Background(), job.Request{Dataset: "birds", Tenant: "a", Format: "csv", By: loader},
		strings.NewReader(canary+",here,3\nsomebody,there,4\n"))
	h.must(err)
	h.eventually("load", func() bool { return h.get(l.ID).State.Finished() })
	t.Logf("%+v", h.get(l.ID).Error)
	h.must(h.Delete(t.Context(), "birds", operator))
	h.swept("birds")
	if e := h.get(l.ID).Error; e != nil && strings.Contains(e.Message, canary) {
		t.Errorf("of a row of the deleted dataset the record says: %s", e.Message)
	}
	if left := h.holds(canary); left != nil {
		t.Errorf("it is in %v", left)
	}
}
