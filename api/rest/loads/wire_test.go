package loads

import (
	"testing"

	"github.com/noised/noised/ingest/job"
)

// IDOf lets tests from outside name what an Idempotency-Key names.
var IDOf = loadIDOf

func TestALoadNamesItsTable(t *testing.T) {
	if l := loadOf(job.Load{Table: "orders"}); l.Table == nil || *l.Table != "orders" {
		t.Errorf("shown as %v", l.Table)
	}
	if l := loadOf(job.Load{}); l.Table != nil {
		t.Errorf("a dataset of one table has the table %q", *l.Table)
	}
}
