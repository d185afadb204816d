package job_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// serve makes a new service on the same data that serves regions.
func (h *house) serve(regions ...string) {
	h.T.Helper()
	served, err := residency.Of(regions)
	h.Must(err)
	h.Serve(func(o *job.Options) {
		o.CompactAfter, o.KeepReplaced, o.Regions = time.Nanosecond, time.Nanosecond, served
	})
}

// everyFile lists the files of tenants, and uploads.
func (h *house) everyFile() []string { return slices.Concat(h.Files("tenants"), h.Files("spool")) }

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
		h.Must(h.Catalog.SetRegion(t.Context(), "a", region, operator, residency.Regions{}))
		_, err := h.Jobs.Create(t.Context(), request(), unread{t})
		if privacy.CodeOf(err) != privacy.CodeForbidden || !slices.Equal(residency.Refused(err), []string{"a"}) {
			t.Errorf("region %q: %v", region, err)
		}
	}
	if left := h.everyFile(); len(left) != 0 {
		t.Errorf("there are files: %v", left)
	}
	h.Must(h.Catalog.SetRegion(t.Context(), "a", "CH", operator, residency.Regions{}))
	h.Send(request(), twoRows)
}

// TestAnotherRegionsFilesStay: a server that serves another region runs none of a
// tenant's loads, merges none of its tables, removes none of its files and gives
// none of its rejected rows out; a server of the region then goes on where the
// first one stopped.
func TestAnotherRegionsFilesStay(t *testing.T) {
	h := newHouse(t)
	h.join("b", 1)
	h.Must(h.Catalog.SetRegion(t.Context(), "a", "eu", operator, residency.Regions{}))
	h.Must(h.Catalog.SetRegion(t.Context(), "b", "ch", operator, residency.Regions{}))
	h.serve("eu")
	h.restart(-1)
	stop := h.Start()
	h.Load(request(), twoRows)
	h.Load(request(func(r *job.Request) { r.Write = job.WriteReplace }), twoRows) // one file to sweep
	h.Load(request(), twoRows)                                                    // two to merge
	rejected := h.Load(request(func(r *job.Request) { bad := int64(9); r.MaxBadRecords = &bad }), "person,city,rating\n,Bonn,3\n")
	stop()
	waiting := h.Send(request(), twoRows)
	h.Must(os.WriteFile(filepath.Join(h.Dir, "spool", "load_nobody.upload"), nil, 0o600)) // of nobody
	before := slices.DeleteFunc(h.everyFile(), func(f string) bool { return strings.Contains(f, "load_nobody") })

	h.serve("ch")
	stop = h.Start()
	h.Load(request(func(r *job.Request) { r.Tenant, r.By = "b", ingesttest.Contributor("b") }), twoRows)
	if _, err := h.Jobs.Rejects(t.Context(), "a", rejected.ID); privacy.CodeOf(err) != privacy.CodeForbidden {
		t.Errorf("rejected rows of another region: %v", err)
	}
	stop()
	after := slices.DeleteFunc(h.everyFile(), func(f string) bool { return strings.HasPrefix(f, "tenants/b/") })
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if got, err := h.Jobs.Get(t.Context(), "a", waiting.ID); err != nil || got.State != job.StatePending {
		t.Errorf("the load of another region is %s, %v", got.State, err)
	}

	h.serve("eu", "us")
	stop = h.Start()
	if got := h.Wait(waiting, job.State.Finished); got.State != job.StateSucceeded {
		t.Errorf("in its region the load %s: %+v", got.State, got.Error)
	}
	h.Eventually("its files to be merged", func() bool {
		return len(h.head().Segments) == 1
	})
	h.Eventually("replaced files to be swept", func() bool { return len(h.Files("tenants/a/ratings")) == 1 })
	stop()
}
