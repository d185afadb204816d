package retire_test

import (
	"strings"
	"testing"

	"github.com/noised/noised/ingest/job"
)

// TestAFileWithoutAHeader is a usual mistake: its first row is taken for names of
// columns, the load fails, and says which names it found.
func TestAFileWithoutAHeader(t *testing.T) {
	h := newHouse(t)
	h.Start()
	l := h.Ended(h.Send(job.Request{Dataset: "birds", Tenant: "a", Format: "csv", By: loader}, canary+",here,3\nsomebody,there,4\n"))
	t.Logf("%+v", l.Error)
	h.Must(h.Delete(t.Context(), "birds", operator))
	h.swept("birds")
	if e := h.Latest(l).Error; e != nil && strings.Contains(e.Message, canary) {
		t.Errorf("of a row of the deleted dataset the record says: %s", e.Message)
	}
	if left := h.Holding(canary); left != nil {
		t.Errorf("it is in %v", left)
	}
}
