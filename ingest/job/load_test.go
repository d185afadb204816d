package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/hold"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

func TestAppendAddsAndReplaceReplaces(t *testing.T) {
	h := newHouse(t)
	h.Start()
	replace := request(func(r *job.Request) { r.Write = job.WriteReplace })
	steps := []struct {
		r    job.Request
		body string
		want []string
		segs int
	}{
		{request(), "person,city,rating\n1,x,3\n2,y,4\n", []string{"x/3", "y/4"}, 1},
		{request(), "person,city,rating\n1,z,5\n", []string{"x/3", "y/4", "z/5"}, 2},
		{replace, "person,city,rating\n9,q,1\n", []string{"q/1"}, 1},
		{request(), "person,city,rating\n", []string{"q/1"}, 2}, // no rows: still a new generation
		{replace, "person,city,rating\n", []string{}, 1},
	}
	before := ""
	for i, step := range steps {
		l := h.Load(step.r, step.body)
		g := h.head()
		if g.ID == before || g.ID != l.Generation || g.Load != l.ID || len(g.Segments) != step.segs {
			t.Errorf("step %d: generation %+v of load %+v", i, g, l)
		}
		if diff := cmp.Diff(step.want, h.rows()); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
		before = g.ID
	}
	// They go after the load is said to have ended.
	h.Eventually("the removal of uploads and scratch files", func() bool { return len(h.Files("spool"))+len(h.Files("tmp")) == 0 })
	for _, f := range h.Files("tenants") {
		info, err := os.Stat(filepath.Join(h.Dir, f))
		if err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("%s has mode %v (%v)", f, info.Mode(), err)
		}
	}
}

func TestTheSameLoadIDIsTheSameLoad(t *testing.T) {
	h := newHouse(t)
	stop := h.Start()
	named := func(edit ...func(*job.Request)) job.Request {
		return request(append(edit, func(r *job.Request) { r.LoadID = "monday" })...)
	}
	const body = "person,city,rating\n1,x,3\n"
	first := h.Load(named(), body)
	if first.LoadID != "monday" || first.Existing {
		t.Errorf("%+v", first)
	}
	again := h.Send(named(), body)
	if !again.Existing || again.ID != first.ID || again.State != job.StateSucceeded {
		t.Errorf("%+v", again)
	}
	one := int64(1)
	for name, r := range map[string]job.Request{
		"other write":    named(func(r *job.Request) { r.Write = job.WriteReplace }),
		"other format":   named(func(r *job.Request) { r.Format = "ndjson" }),
		"other encoding": named(func(r *job.Request) { r.Encoding = "gzip" }),
		"dry run":        named(func(r *job.Request) { r.DryRun = true }),
		"other limit":    named(func(r *job.Request) { r.MaxBadRecords = &one }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Jobs.Create(context.Background(), r, strings.NewReader(body))
			ingesttest.WantCode(t, err, privacy.CodeIdempotencyMismatch)
		})
	}
	_, err := h.Jobs.Create(context.Background(), named(), strings.NewReader(body+"2,y,4\n"))
	ingesttest.WantCode(t, err, privacy.CodeIdempotencyMismatch)
	stop()
	if diff := cmp.Diff([]string{"x/3"}, h.rows()); diff != "" {
		t.Error(diff)
	}
	if got := h.Files("spool"); len(got) != 0 {
		t.Errorf("uploads are left: %v", got)
	}
}

func TestDryRunChecksAndPublishesNothing(t *testing.T) {
	h := newHouse(t)
	h.Start()
	dry := request(func(r *job.Request) { r.DryRun = true })
	l := h.Load(dry, "person,city,rating,colour\n1,x,3,red\n")
	if l.RowsRead != 1 || l.RowsLoaded != 1 || l.Generation != "" || !l.DryRun || l.FinishedAt == nil {
		t.Errorf("%+v", l)
	}
	if diff := cmp.Diff([]string{"colour"}, l.IgnoredColumns); diff != "" {
		t.Error(diff)
	}
	bad := h.Ended(h.Send(dry, "person,city,rating\n1,x,300\n"))
	if bad.State != job.StateFailed || bad.Error.Code != privacy.CodeLoadRejected {
		t.Errorf("%+v", bad)
	}
	if g := h.head(); g.ID != "" {
		t.Errorf("a dry run published %+v", g)
	}
	for _, f := range h.Files("tenants") {
		if strings.HasSuffix(f, ".duckdb") {
			t.Errorf("a dry run left %s", f)
		}
	}
}

func TestBadRowsFailTheLoadUnlessTheyAreAllowed(t *testing.T) {
	h := newHouse(t)
	h.Start()
	const body = "person,city,rating\n1,x,3\n,y,4\n2,secret-city,secret-rating\n"
	failed := h.Ended(h.Send(request(), body))
	if failed.State != job.StateFailed || failed.RowsLoaded != 0 || failed.RowsRejected != 2 || failed.RowsRead != 3 {
		t.Errorf("%+v", failed)
	}
	want := "2 of 3 rows are bad, and max_bad_records is 0; the first: line 3, column person: the unit id is missing or blank"
	if diff := cmp.Diff(&job.Failure{Code: privacy.CodeLoadRejected, Message: want}, failed.Error); diff != "" {
		t.Error(diff)
	}
	two := int64(2)
	l := h.Load(request(func(r *job.Request) { r.MaxBadRecords = &two }), body)
	if l.RowsLoaded != 1 || l.RowsRejected != 2 {
		t.Errorf("%+v", l)
	}
	for _, id := range []string{failed.ID, l.ID} {
		r, err := h.Jobs.Rejects(context.Background(), "a", id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		wantRejects := `{"line":3,"column":"person","reason":"the unit id is missing or blank"}
{"line":4,"column":"rating","reason":"not a tinyint: a whole number from -128 to 127","value":"secret-rating"}
`
		if diff := cmp.Diff(wantRejects, string(got)); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff([]string{"x/3"}, h.rows()); diff != "" {
		t.Error(diff)
	}
}

func TestWhoMayLoadWhat(t *testing.T) {
	h := newHouse(t)
	h.join("s", 1)
	if err := h.Catalog.SetSuspended(context.Background(), "s", true, operator); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Catalog.CreateTenant(context.Background(), "stranger", "", operator); err != nil {
		t.Fatal(err)
	}
	negative := int64(-1)
	for name, c := range map[string]struct {
		edit func(*job.Request)
		code privacy.Code
	}{
		"another tenant":    {func(r *job.Request) { r.By = ingesttest.Contributor("b") }, privacy.CodeForbidden},
		"an analyst":        {func(r *job.Request) { r.By.Role = privacy.RoleAnalyst }, privacy.CodeForbidden},
		"the operator":      {func(r *job.Request) { r.By = operator }, privacy.CodeForbidden},
		"no such dataset":   {func(r *job.Request) { r.Dataset = "nothing" }, privacy.CodeUnknownDataset},
		"not a member":      {func(r *job.Request) { r.Tenant, r.By = "stranger", ingesttest.Contributor("stranger") }, privacy.CodeForbidden},
		"suspended":         {func(r *job.Request) { r.Tenant, r.By = "s", ingesttest.Contributor("s") }, privacy.CodeSuspended},
		"a format":          {func(r *job.Request) { r.Format = "xlsx" }, privacy.CodeUnsupportedMediaType},
		"an encoding":       {func(r *job.Request) { r.Encoding = "br" }, privacy.CodeUnsupportedMediaType},
		"a way to write":    {func(r *job.Request) { r.Write = "upsert" }, privacy.CodeInvalidRequest},
		"a negative limit":  {func(r *job.Request) { r.MaxBadRecords = &negative }, privacy.CodeInvalidRequest},
		"a long load_id":    {func(r *job.Request) { r.LoadID = strings.Repeat("x", 129) }, privacy.CodeInvalidRequest},
		"a control in load": {func(r *job.Request) { r.LoadID = "a\nb" }, privacy.CodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Jobs.Create(context.Background(), request(c.edit), iotest.ErrReader(errors.New("the body was read")))
			ingesttest.WantCode(t, err, c.code)
		})
	}
	t.Run("a version that came into force", func(t *testing.T) {
		h.Must(h.Put(fmt.Sprintf(ratings, 2)))
		h.join("b", 2)
		_, err := h.Jobs.Create(context.Background(), request(), strings.NewReader(""))
		ingesttest.WantCode(t, err, privacy.CodeForbidden)
	})
}

func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	h := newHouse(t)
	_, err := h.Jobs.Create(context.Background(), request(), strings.NewReader(strings.Repeat("x", 1<<20+1)))
	ingesttest.WantCode(t, err, privacy.CodeTooLarge)
	_, err = h.Jobs.Create(context.Background(), request(), io.MultiReader(strings.NewReader("person"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	ingesttest.WantCode(t, err, privacy.CodeInvalidRequest)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = h.Jobs.Create(ctx, request(), strings.NewReader("person"))
	if err == nil {
		t.Error("a request that was over became a load")
	}
	if got := h.Files("spool"); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	if items, _, err := h.Jobs.List(context.Background(), "a", "", 10); err != nil || len(items) != 0 {
		t.Errorf("%v, %v", items, err)
	}
}

func TestListIsNewestFirstAndPaged(t *testing.T) {
	h := newHouse(t)
	h.join("b", 1)
	var want []string
	for range 5 {
		want = append([]string{h.Send(request(), "person,city,rating\n").ID}, want...)
	}
	other, err := h.Jobs.Create(context.Background(), request(func(r *job.Request) { r.Tenant, r.By = "b", ingesttest.Contributor("b") }), strings.NewReader("x"))
	h.Must(err)
	var got []string
	cursor, pages := "", 0
	for {
		items, next, err := h.Jobs.List(context.Background(), "a", cursor, 2)
		h.Must(err)
		for _, l := range items {
			got = append(got, l.ID)
		}
		pages++
		if cursor = next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	_, _, err = h.Jobs.List(context.Background(), "a", other.ID, 2)
	ingesttest.WantCode(t, err, privacy.CodeInvalidRequest)
	_, err = h.Jobs.Get(context.Background(), "a", other.ID)
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
	_, err = h.Jobs.Cancel(context.Background(), "a", other.ID)
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
	_, err = h.Jobs.Rejects(context.Background(), "a", other.ID)
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
}

func TestManySegmentsBecomeOne(t *testing.T) {
	h := newHouse(t)
	h.Start()
	want := []string{}
	for i := range job.MergeAt + 1 {
		h.Load(request(), fmt.Sprintf("person,city,rating\n%d,c%02d,3\n", 100-i, i))
		want = append(want, fmt.Sprintf("c%02d/3", i))
		segments := len(h.head().Segments)
		if expect := (i+1)%job.MergeAt + (i+1)/job.MergeAt; segments != expect {
			t.Errorf("after %d loads there are %d segments, want %d", i+1, segments, expect)
		}
	}
	if diff := cmp.Diff(want, h.rows()); diff != "" {
		t.Error(diff)
	}
	if rows := h.head().Segments[0].Rows; rows != job.MergeAt {
		t.Errorf("the merged segment says %d rows", rows)
	}
}

func TestSupersededSegmentsAreRemovedAfterAnHour(t *testing.T) {
	h := newHouse(t)
	replace := request(func(r *job.Request) { r.Write = job.WriteReplace })
	stop := h.Start()
	h.Load(replace, "person,city,rating\n1,x,3\n")
	h.Load(replace, "person,city,rating\n2,y,3\n")
	stop()
	h.Now = func() time.Time { return time.Now().Add(job.SupersededFor - time.Minute) }
	h.runOnce()
	if n := len(h.Files("tenants/a/ratings")); n != 2 {
		t.Errorf("%d segment files within the hour", n)
	}
	h.Now = func() time.Time { return time.Now().Add(job.SupersededFor + time.Minute) }
	release, err := hold.Take(context.Background(), h.Dir)
	h.Must(err)
	h.runOnce()
	if n := len(h.Files("tenants/a/ratings")); n != 2 {
		t.Errorf("%d segment files after the hour, while a backup copies them", n)
	}
	release()
	h.runOnce()
	if n := len(h.Files("tenants/a/ratings")); n != 1 {
		t.Errorf("%d segment files after the hour", n)
	}
	if gone := h.Removed(); len(gone) != 1 || filepath.Dir(gone[0]) != filepath.Join(h.Dir, "tenants/a/ratings") {
		t.Errorf("told that %q are gone, want the one file", gone)
	}
	if diff := cmp.Diff([]string{"y/3"}, h.rows()); diff != "" {
		t.Error(diff)
	}
}

func TestATenantOfTheSameNameSeesNothingOfTheOneBefore(t *testing.T) {
	h := newHouse(t)
	stop := h.Start()
	named := request(func(r *job.Request) { r.LoadID = "x" })
	old := h.Ended(h.Send(named, "person,city,rating\n1,x,300\n"))
	stop()
	h.Must(h.Catalog.DeleteTenant(context.Background(), "a", operator))
	h.join("a", 1)
	_, err := h.Jobs.Rejects(context.Background(), "a", old.ID)
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
	if items, _, err := h.Jobs.List(context.Background(), "a", "", 10); err != nil || len(items) != 0 {
		t.Errorf("%v, %v", items, err)
	}
	if l := h.Send(named, "person,city,rating\n2,y,3\n"); l.Existing {
		t.Error("a load_id outlived its tenant")
	}
	h.runOnce()
	if got := h.Files("tenants/a/rejects"); len(got) != 0 {
		t.Errorf("rejected rows outlived their tenant: %v", got)
	}
}

func TestANewVersionBeginsWithNewData(t *testing.T) {
	h := newHouse(t)
	h.Start()
	h.Load(request(), "person,city,rating\n1,x,3\n")
	h.Must(h.Put(strings.Replace(fmt.Sprintf(ratings, 2), "type: tinyint", "type: smallint", 1)))
	h.join("a", 2)
	h.Load(request(), "person,city,rating\n1,x,3\n")
	if g := h.head(); g.Version != 2 || len(g.Segments) != 1 {
		t.Errorf("rows of another type were mixed in: %+v", g)
	}
}
