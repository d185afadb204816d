package job_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/job"
)

// merged waits until the table has one segment with ranks, and returns it.
func (h *house) merged() catalog.Segment {
	h.T.Helper()
	h.Eventually("the table to be merged", func() bool {
		segments := h.head().Segments
		return len(segments) == 1 && segments[0].Ranks != nil
	})
	return h.head().Segments[0]
}

func TestTablesThatRestAreMerged(t *testing.T) {
	h := newHouse(t)
	stop := h.Start()
	for i := range 3 {
		h.Load(request(), fmt.Sprintf("person,city,rating\n%d,c%d,3\n1,c%d,4\n", i, i, i))
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
	stop = h.Start()
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
	if got := h.Files("tenants/a/ratings"); len(got) != 4 {
		t.Errorf("queries that began before may still read: %v", got)
	}
	h.restart(-1)
	h.Now = func() time.Time { return time.Now().Add(2 * job.SupersededFor) }
	h.runOnce()
	if diff := cmp.Diff([]string{one.Path}, h.Files("tenants/a/ratings")); diff != "" {
		t.Error(diff)
	}
	// The next load builds on what there is now.
	h.Now = time.Now
	h.Start()
	h.Load(request(), "person,city,rating\n9,c9,1\n")
	if got := h.head().Segments; len(got) != 2 || got[0].ID != one.ID {
		t.Errorf("after another load: %+v", got)
	}
}

// TestSegmentsWithoutRanksWaitForALoad: what was stored before there were ranks is
// streamed, with all that is loaded behind it, until a load is the one that merges
// it; how long a merge takes must not decide.
func TestSegmentsWithoutRanksWaitForALoad(t *testing.T) {
	h := newHouse(t)
	stop := h.Start()
	h.Load(request(), "person,city,rating\n1,x,3\n")
	stop()
	h.Must(h.DB.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE segments SET ranks = NULL`) // as before there were any
		return err
	}))
	h.Start()
	want := []string{"x/3"}
	for i := range job.MergeAt - 1 {
		for _, seg := range h.head().Segments {
			if seg.Ranks != nil {
				t.Fatalf("after %d loads there are ranks: %+v", i, seg)
			}
		}
		if waiting, err := h.Catalog.Scattered(t.Context(), time.Now().Add(time.Hour), false); err != nil || len(waiting) > 0 {
			t.Fatalf("to be merged: %+v, %v", waiting, err)
		}
		h.Load(request(), "person,city,rating\n1,y,4\n")
		want = append(want, "y/4")
	}
	if h.merged(); !cmp.Equal(want, h.rows()) {
		t.Error(h.rows())
	}
}

// index puts a version in force that has one grouping or none.
func (h *house) index(version int, grouping string) {
	h.Must(h.Put(fmt.Sprintf(ratings, version) + "bounding_index: [" + grouping + "]\n"))
	h.join("a", version)
}

// TestRanksGoOnFromLoadToLoad: a unit's rows are numbered over all segments by
// appending loads, and anew by the load that merges and by a replacement.
func TestRanksGoOnFromLoadToLoad(t *testing.T) {
	h := newHouse(t)
	h.index(2, "[city]")
	h.Start()
	numbers := func() []string {
		return h.stored("a", "", `_row || ':' || city || ':' || "_key:city" || ':' || "_row:city"`)
	}
	var want []string
	for i := range job.MergeAt - 1 {
		h.Load(request(), fmt.Sprintf("person,city,rating\n1,c%d,4\n%d,x,3\n", i%3, i+2))
		want = append(want, fmt.Sprintf("%d:c%d:%d:%d", i, i%3, i%3, i/3), "0:x:0:0")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, numbers()); diff != "" {
		t.Error(diff)
	}
	for i, s := range h.head().Segments {
		if s.Appended != min(i, 1) {
			t.Errorf("of load %d, %d go on from others", i, s.Appended)
		}
	}
	h.Load(request(), "person,city,rating\n1,c1,4\n")
	if all := h.head().Segments; len(all) != 1 || all[0].Appended != 0 {
		t.Errorf("the load that merges left %+v", all)
	}
	// Rows that are alike lie side by side when all are ranked at once, and loads brought
	// those of the three cities in turn.
	got := numbers()
	if !slices.ContainsFunc(want, func(row string) bool { return !slices.Contains(got, row) }) {
		t.Errorf("ranks are in the order of loads: %v", got)
	}
	h.Load(request(func(r *job.Request) { r.Write = job.WriteReplace }), "person,city,rating\n1,c2,4\n")
	if diff := cmp.Diff([]string{"0:c2:0:0"}, numbers()); diff != "" {
		t.Error(diff)
	}
}

// TestRanksOfOtherVersions: where a contract asks for other groupings, a load goes
// on with those that it has in common with what there is.
func TestRanksOfOtherVersions(t *testing.T) {
	h := newHouse(t)
	h.Start()
	for i, index := range []string{"[city]", "", "[city]"} {
		h.index(2+i, index)
		h.Load(request(), "person,city,rating\n1,x,3\n")
	}
	var got [][][]string
	for _, seg := range h.head().Segments {
		got = append(got, seg.Ranks)
	}
	if diff := cmp.Diff([][][]string{{{"city"}}, {}, {}}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, h.stored("a", "", "_row")); diff != "" {
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
		stop := h.Start()
		h.Load(request(), fmt.Sprintf("person,city,rating\n%d,a%d,3\n", i, i))
		h.Load(request(), fmt.Sprintf("person,city,rating\n%d,b%d,3\n", i, i))
		stop()
		rows, generation := h.rows(), h.head().ID
		began := time.Now()
		p := h.StartServer("worker", "compact")
		if i > 0 { // the first runs undisturbed and tells how long it takes
			after := time.NewTimer(rand.N(longest * 6 / 5))
			<-after.C
			p.Kill()
			if diff := cmp.Diff(rows, h.rows()); diff != "" || h.head().ID != generation {
				t.Fatalf("kill %d: %s", i, diff)
			}
			p = h.StartServer("worker", "compact")
		}
		h.merged()
		if i == 0 {
			longest = time.Since(began)
		}
		p.Kill()
		if diff := cmp.Diff(rows, h.rows()); diff != "" || h.head().ID != generation {
			t.Fatalf("after kill %d: %s", i, diff)
		}
	}
	h.Now = func() time.Time { return time.Now().Add(2 * job.SupersededFor) }
	h.runOnce()
	if got := h.Files("tenants/a/ratings"); len(got) != 1 {
		t.Errorf("files are left: %v", got)
	}
	if got := h.Files("tmp"); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}
