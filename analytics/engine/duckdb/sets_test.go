package duckdb

import (
	"fmt"
	"testing"

	"github.com/noised/noised/analytics/engine"
)

// TestEverySetHasItsOwnInstance: what is open for one set of files answers for no
// other. The numbers of rows tell which files an answer is from, whatever ran
// before it, and in which order the files are named.
func TestEverySetHasItsOwnInstance(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	var files []engine.Segment
	for i, tenant := range []string{"a", "b", "c"} {
		path := w.segment(dir, tenant, fmt.Sprintf("SELECT (%d + range)::UBIGINT AS _unit FROM range(%d) ORDER BY 1", 100*i, 1<<i))
		files = append(files, engine.Segment{Tenant: tenant, Path: path})
	}
	e := newEngine(t, Options{})
	for round := range 3 {
		for set := 1; set < 1<<len(files); set++ {
			p := countPlan()
			p.Tenants = nil
			var segments []engine.Segment
			for i := range files {
				if set&(1<<i) != 0 {
					p.Tenants = append(p.Tenants, files[i].Tenant)
					segments = append(segments, files[i])
				}
			}
			if round == 1 { // the other way round
				for i, j := 0, len(segments)-1; i < j; i, j = i+1, j-1 {
					segments[i], segments[j] = segments[j], segments[i]
				}
			}
			if got := total(mustRun(t, e, p, segments...).Draws[0]); got != int64(set) {
				t.Errorf("round %d, tenants %v: %d rows, want %d", round, p.Tenants, got, set)
			}
		}
	}
	if n := e.instances.Len(); n != 7 {
		t.Errorf("%d instances are open for 7 sets", n)
	}
}
