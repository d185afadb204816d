package job_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/job"
)

// merged waits until the table has one segment with ranks, and returns it.
func (h *house) merged() catalog.Segment {
	h.t.Helper()
	h.eventually("the table to be merged", func() bool {
		segments := h.head().Segments
		return len(segments) == 1 && segments[0].Ranks != nil
	})
	return h.head().Segments[0]
}

func TestTablesThatRestAreMerged(t *testing.T) {
	h := newHouse(t)
	stop := h.run()
	for i := range 3 {
		h.load(request(), fmt.Sprintf("person,city,rating\n%d,c%d,3\n1,c%d,4\n", i, i, i))
	}
	stop()
	before, rows := h.head(), h.rows()
	if len(before.Segments) != 3 {
		t.Fatalf("%d segments, want one for each load", len(before.Segments))
	}

	h.restart(time.Hour)
	h.runOnce()
	if diff := cmp.Diff(before, h.head()); diff != "" {
		t.Errorf("merged before the hour: %s", diff)
	}
	h.restart(time.Millisecond)
	stop = h.run()
	one := h.merged()
	after := h.head()
	stop()
	if after.ID != before.ID || after.Load != before.Load || !after.At.Equal(before.At) {
		t.Errorf("the generation was %+v and is %+v", before, after)
	}
	if diff := cmp.Diff(rows, h.rows()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before.Segments[0].Ranks, one.Ranks); diff != "" || one.Rows != 6 {
		t.Errorf("%d rows with the ranks of %v", one.Rows, one.Ranks)
	}
	if got := h.files("tenants/a/ratings"); len(got) != 4 {
		t.Errorf("queries that began before may still read: %v", got)
	}
	h.restart(-1)
	h.now = func() time.Time { return time.Now().Add(2 * job.SupersededFor) }
	h.runOnce()
	if diff := cmp.Diff([]string{one.Path}, h.files("tenants/a/ratings")); diff != "" {
		t.Error(diff)
	}
	// The next load builds on what there is now.
	h.now = time.Now
	h.run()
	h.load(request(), "person,city,rating\n9,c9,1\n")
	if got := h.head().Segments; len(got) != 2 || got[0].ID != one.ID {
		t.Errorf("after another load: %+v", got)
	}
}

func TestOldSegmentsGetRanks(t *testing.T) {
	h := newHouse(t)
	stop := h.run()
	h.load(request(), "person,city,rating\n1,x,3\n")
	stop()
	h.must(h.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE segments SET ranks = NULL`) // as before there were any
		return err
	}))
	h.restart(time.Millisecond)
	h.run()
	h.merged()
	if diff := cmp.Diff([]string{"x/3"}, h.rows()); diff != "" {
		t.Error(diff)
	}
}

// TestKilledWhileMerging kills a whole server process at random moments of a
// merge. The rows and the generation stay what they are, the next server merges,
// and no file is left behind.
func TestKilledWhileMerging(t *testing.T) {
	h := newHouse(t)
	var longest time.Duration
	for i := range 6 {
		stop := h.run()
		h.load(request(), fmt.Sprintf("person,city,rating\n%d,a%d,3\n", i, i))
		h.load(request(), fmt.Sprintf("person,city,rating\n%d,b%d,3\n", i, i))
		stop()
		rows, generation := h.rows(), h.head().ID
		began := time.Now()
		p := startServer(t, h.dir, "worker", "compact")
		if i > 0 { // the first runs undisturbed and tells how long it takes
			after := time.NewTimer(rand.N(longest * 6 / 5))
			<-after.C
			p.kill()
			if diff := cmp.Diff(rows, h.rows()); diff != "" || h.head().ID != generation {
				t.Fatalf("kill %d: %s", i, diff)
			}
			p = startServer(t, h.dir, "worker", "compact")
		}
		h.merged()
		if i == 0 {
			longest = time.Since(began)
		}
		p.kill()
		if diff := cmp.Diff(rows, h.rows()); diff != "" || h.head().ID != generation {
			t.Fatalf("after kill %d: %s", i, diff)
		}
	}
	h.now = func() time.Time { return time.Now().Add(2 * job.SupersededFor) }
	h.runOnce()
	if got := h.files("tenants/a/ratings"); len(got) != 1 {
		t.Errorf("files are left: %v", got)
	}
	if got := h.files("tmp"); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}
