package segment_test

import (
	"testing"

	"github.com/noised/noised/ingest/segment"
)

func TestNamedIsTheOtherWayOfRelPath(t *testing.T) {
	for _, tenant := range []string{"", "clinic"} {
		path := segment.RelPath(tenant, "visits", "seg_1")
		if got, id, ok := segment.Named(path); !ok || got != tenant || id != "seg_1" {
			t.Errorf("%s is of %q, %q, %v", path, got, id, ok)
		}
	}
	for _, other := range []string{"", "control.db", ".duckdb", "tmp/loads/load_1/segment.duckdb/x", "tenants/clinic/rejects/load_1.ndjson", "elsewhere/clinic/visits/seg_1.duckdb", "tenants/clinic/visits/.duckdb"} {
		if _, _, ok := segment.Named(other); ok {
			t.Errorf("%q is taken for a segment", other)
		}
	}
}
