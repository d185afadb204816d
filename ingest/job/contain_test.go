package job_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

func TestASuspensionStopsARunningLoad(t *testing.T) {
	for name, c := range map[string]struct {
		kind, name string
		by         privacy.Principal
	}{
		"the tenant":    {containment.KindTenant, "a", operator},
		"by the tenant": {containment.KindTenant, "a", admin},
		"the principal": {containment.KindPrincipal, "key_a", operator},
		"the dataset":   {containment.KindDataset, "ratings", operator},
		"everything":    {containment.KindEverything, containment.All, operator},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, os.Args[0], "stuck-worker")
			h.Start()
			l := h.Send(request(), "person,city,rating\n1,x,3\n")
			h.Wait(l, func(s job.State) bool { return s == job.StateRunning })
			elsewhere := containment.New(h.DB, time.Now)
			if _, err := elsewhere.Suspend(t.Context(), c.kind, c.name, "a test", c.by); err != nil {
				t.Fatal(err)
			}
			l = h.Ended(l)
			if l.State != job.StateFailed || l.Error == nil || l.Error.Code != privacy.CodeSuspended {
				t.Errorf("%+v", l)
			}
			h.Eventually("the end of the attempt", func() bool { return len(h.Files("spool"))+len(h.Files("tmp")) == 0 })
			if h.head().ID != "" {
				t.Error("it was published")
			}
		})
	}
}

func TestLoadsWaitWhileEverythingIsSuspended(t *testing.T) {
	h := newHouse(t)
	waiting := h.Send(request(), "person,city,rating\n1,x,3\n")
	elsewhere := containment.New(h.DB, time.Now)
	if _, err := elsewhere.Suspend(t.Context(), containment.KindEverything, containment.All, "a test", operator); err != nil {
		t.Fatal(err)
	}
	stop := h.Start()
	if _, err := h.Jobs.Create(context.Background(), request(), nil); privacy.CodeOf(err) != privacy.CodeSuspended {
		t.Errorf("another upload: %v", err)
	}
	stop()
	if l := h.Latest(waiting); l.State != job.StatePending {
		t.Errorf("%+v", l)
	}
	if err := elsewhere.Lift(t.Context(), containment.KindEverything, containment.All, operator); err != nil {
		t.Fatal(err)
	}
	h.Start()
	h.Wait(waiting, func(s job.State) bool { return s == job.StateSucceeded })
}
