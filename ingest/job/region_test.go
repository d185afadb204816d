package job_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// serve makes a new service on the same data that serves regions.
func (h *house) serve(regions ...string) {
	h.t.Helper()
	served, err := residency.Of(regions)
	h.must(err)
	h.Service, err = job.New(job.Options{
		DB: h.db, Catalog: h.cat, Dir: h.dir, Workers: workers(h.t), MaxUpload: 1 << 20, Concurrency: 2,
		CompactAfter: time.Nanosecond, KeepReplaced: time.Nanosecond, Regions: served, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return h.now() },
	})
	h.must(err)
}

// everyFile lists the files of tenants, and uploads.
func (h *house) everyFile() []string { return slices.Concat(h.files("tenants"), h.files("spool")) }

// unread fails the test when somebody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the upload was read")
	return 0, io.EOF
}

const twoRows = "person,city,rating\n1,Bonn,3\n2,Bonn,4\n"

// TestUploadsOfAnotherRegionAreRefused: before a byte of them is read.
func TestUploadsOfAnotherRegionAreRefused(t *testing.T) {
	h := newHouse(t)
	h.serve("ch")
	for _, region := range []string{"", "eu"} {
		h.must(h.cat.SetRegion(t.Context(), "a", region, operator, residency.Regions{}))
		_, err := h.Create(t.Context(), request(), unread{t})
		if privacy.CodeOf(err) != privacy.CodeForbidden || !slices.Equal(residency.Refused(err), []string{"a"}) {
			t.Errorf("region %q: %v", region, err)
		}
	}
	if left := h.everyFile(); len(left) != 0 {
		t.Errorf("there are files: %v", left)
	}
	h.must(h.cat.SetRegion(t.Context(), "a", "CH", operator, residency.Regions{}))
	h.create(request(), twoRows)
}

// TestAnotherRegionsFilesStay: a server that serves another region runs none of a
// tenant's loads, merges none of its tables, removes none of its files and gives
// none of its rejected rows out; a server of the region then goes on where the
// first one stopped.
func TestAnotherRegionsFilesStay(t *testing.T) {
	h := newHouse(t)
	h.join("b", 1)
	h.must(h.cat.SetRegion(t.Context(), "a", "eu", operator, residency.Regions{}))
	h.must(h.cat.SetRegion(t.Context(), "b", "ch", operator, residency.Regions{}))
	h.serve("eu")
	h.restart(-1)
	stop := h.run()
	h.load(request(), twoRows)
	h.load(request(func(r *job.Request) { r.Write = job.WriteReplace }), twoRows) // one file to sweep
	h.load(request(), twoRows)                                                    // two to merge
	rejected := h.load(request(func(r *job.Request) { bad := int64(9); r.MaxBadRecords = &bad }), "person,city,rating\n,Bonn,3\n")
	stop()
	waiting := h.create(request(), twoRows)
	h.must(os.WriteFile(filepath.Join(h.dir, "spool", "load_nobody.upload"), nil, 0o600)) // of nobody
	before := slices.DeleteFunc(h.everyFile(), func(f string) bool { return strings.Contains(f, "load_nobody") })

	h.serve("ch")
	stop = h.run()
	l := h.create(request(func(r *job.Request) { r.Tenant, r.By = "b", contributor("b") }), twoRows)
	h.eventually("the load of b", func() bool {
		got, err := h.Get(t.Context(), "b", l.ID)
		h.must(err)
		return got.State == job.StateSucceeded
	})
	if _, err := h.Rejects(t.Context(), "a", rejected.ID); privacy.CodeOf(err) != privacy.CodeForbidden {
		t.Errorf("rejected rows of another region: %v", err)
	}
	stop()
	after := slices.DeleteFunc(h.everyFile(), func(f string) bool { return strings.HasPrefix(f, "tenants/b/") })
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if got, err := h.Get(t.Context(), "a", waiting.ID); err != nil || got.State != job.StatePending {
		t.Errorf("the load of another region is %s, %v", got.State, err)
	}

	h.serve("eu", "us")
	stop = h.run()
	if got := h.wait(waiting.ID, job.State.Finished); got.State != job.StateSucceeded {
		t.Errorf("in its region the load %s: %+v", got.State, got.Error)
	}
	h.eventually("its files to be merged", func() bool {
		g, _, err := h.cat.Head(t.Context(), "ratings", "a")
		h.must(err)
		return len(g.Segments) == 1
	})
	h.eventually("replaced files to be swept", func() bool { return len(h.files("tenants/a/ratings")) == 1 })
	stop()
}
