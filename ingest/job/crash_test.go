package job_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

func TestCancelEndsALoadInEveryState(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	pending := h.Send(request(), "person,city,rating\n1,x,3\n")
	l, err := h.Jobs.Cancel(context.Background(), "a", pending.ID)
	if err != nil || l.State != job.StateCancelled || l.FinishedAt == nil {
		t.Fatalf("%+v, %v", l, err)
	}
	stop := h.Start()
	running := h.Send(request(), "person,city,rating\n1,x,3\n")
	h.Wait(running, func(s job.State) bool { return s == job.StateRunning })
	if l, err = h.Jobs.Cancel(context.Background(), "a", running.ID); err != nil || l.State != job.StateCancelled {
		t.Fatalf("%+v, %v", l, err)
	}
	if again, err := h.Jobs.Cancel(context.Background(), "a", running.ID); err != nil || again.State != job.StateCancelled {
		t.Errorf("%+v, %v", again, err)
	}
	stop()
	if got := append(h.Files("spool"), h.Files("tmp")...); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	if h.head().ID != "" {
		t.Error("a cancelled load was published")
	}
}

func TestALoadCancelledByAnotherProcessStops(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	other := open(t, h.Dir)
	h.Start()
	l := h.Send(request(), "person,city,rating\n1,x,3\n")
	h.Wait(l, func(s job.State) bool { return s == job.StateRunning })
	if _, err := other.Jobs.Cancel(context.Background(), "a", l.ID); err != nil {
		t.Fatal(err)
	}
	h.Eventually("the end of the attempt", func() bool { return len(h.Files("spool")) == 0 })
}

func TestFinishedLoadsCannotBeCancelled(t *testing.T) {
	h := newHouse(t)
	h.Start()
	l := h.Load(request(), "person,city,rating\n1,x,3\n")
	_, err := h.Jobs.Cancel(context.Background(), "a", l.ID)
	ingesttest.WantCode(t, err, privacy.CodeConflict)
}

func TestAChildThatDiesFailsItsLoadWithAReason(t *testing.T) {
	h := newHouse(t, "sh", "-c", "kill -SEGV $$")
	h.Start()
	l := h.Ended(h.Send(request(), "person,city,rating\n1,x,3\n"))
	if l.State != job.StateFailed || l.Error.Code != privacy.CodeLoadRejected || !strings.Contains(l.Error.Message, "crash") {
		t.Errorf("%+v", l.Error)
	}
	if h.head().ID != "" {
		t.Error("something was published")
	}
	if left := h.Files("tmp/loads"); len(left) > 0 {
		t.Errorf("scratch files are left: %v", left)
	}
}

func TestAStoppedServerFinishesTheLoadLater(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	stop := h.Start()
	l := h.Send(request(), "person,city,rating\n1,x,3\n")
	h.Wait(l, func(s job.State) bool { return s == job.StateRunning })
	stop()
	if l := h.Latest(l); l.State != job.StatePending {
		t.Fatalf("%+v", l)
	}
	again := open(t, h.Dir)
	again.Start()
	if l := again.Ended(l); l.State != job.StateSucceeded {
		t.Errorf("%+v", l)
	}
}

func TestOnlyOneProcessRunsLoadsAndAnotherTakesOver(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	stop := h.Start()
	l := h.Send(request(), "person,city,rating\n1,x,3\n")
	h.Wait(l, func(s job.State) bool { return s == job.StateRunning })
	second := open(t, h.Dir)
	second.Start()
	queued := second.Send(request(), "person,city,rating\n2,y,3\n") // taken in, not run
	if l := second.Latest(queued); l.State != job.StatePending {
		t.Errorf("%+v", l)
	}
	stop()
	for _, l := range []job.Load{l, queued} {
		if l := second.Ended(l); l.State != job.StateSucceeded {
			t.Errorf("%+v", l)
		}
	}
	if diff := cmp.Diff([]string{"x/3", "y/3"}, second.rows()); diff != "" {
		t.Error(diff)
	}
}

func TestRecoveryGivesUpAfterThreeAttempts(t *testing.T) {
	h := newHouse(t)
	l := h.Send(request(), "person,city,rating\n1,x,3\n")
	for i := range job.MaxAttempts {
		p := h.StartServer("stuck-worker")
		work := filepath.Join(h.Dir, "tmp", "loads", fmt.Sprintf("%s-%d", l.ID, i+1))
		h.Eventually("attempt "+work, func() bool {
			_, err := os.Stat(work)
			return err == nil
		})
		p.Kill()
	}
	h.Start()
	got := h.Ended(l)
	if got.State != job.StateFailed || got.Error.Code != privacy.CodeUnavailable || !strings.Contains(got.Error.Message, "three times") {
		t.Errorf("%+v", got)
	}
	h.Eventually("the removal of the upload", func() bool { return len(h.Files("spool")) == 0 })
}

func TestALostUploadFailsItsLoad(t *testing.T) {
	h := newHouse(t)
	l := h.Send(request(), "person,city,rating\n1,x,3\n")
	h.Must(os.Truncate(filepath.Join(h.Dir, "spool", l.ID+".upload"), 3))
	h.Start()
	got := h.Ended(l)
	if got.State != job.StateFailed || got.Error.Code != privacy.CodeUnavailable || !strings.Contains(got.Error.Message, "lost") {
		t.Errorf("%+v", got)
	}
}

func TestUploadsWithoutALoadAreRemoved(t *testing.T) {
	h := newHouse(t)
	stray := filepath.Join(h.Dir, "spool", "load_stray.upload")
	h.Must(os.WriteFile(stray, []byte("x"), 0o600))
	kept := h.Send(request(), "person,city,rating\n1,x,3\n")
	h.Start()
	h.Ended(kept)
	h.Eventually("the removal of the stray", func() bool {
		_, err := os.Stat(stray)
		return os.IsNotExist(err)
	})
}

// stuck is a worker that does nothing until its server lets go of it.
func stuck([]string) int {
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// serve is a server process: it runs loads until it is killed, by the workers that it
// is told, and merges tables at once where it is told anything more.
func serve(args []string) int {
	return ingesttest.RunServer(args[0], func(o job.Options) (s *job.Service, err error) {
		if args[1] != "worker" {
			o.Workers, err = ingesttest.Workers(os.Args[0], args[1])
		}
		if len(args) > 2 {
			o.CompactAfter = time.Millisecond
		}
		if err != nil {
			return nil, err
		}
		return job.New(o)
	})
}

// TestKilledAtAnyMomentLeavesTheOldStateOrTheNew kills a whole server process
// at random moments of a load, again and again. After each kill the data is
// what it was before the load or what it is after it; a server that starts
// then finishes the load exactly once and leaves no file behind. The number of
// kills is 15, or NOISED_CRASHES.
func TestKilledAtAnyMomentLeavesTheOldStateOrTheNew(t *testing.T) {
	rounds := 15
	if s := os.Getenv("NOISED_CRASHES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	h := newHouse(t)
	want := []string{}
	var longest time.Duration
	for i := range rounds {
		r := request()
		if i%5 == 4 {
			r.Write = job.WriteReplace
		}
		before := h.rows()
		var after []string
		if r.Write != job.WriteReplace {
			after = append(after, want...)
		}
		row := fmt.Sprintf("c%04d/3", i)
		after = append(after, row)
		l := h.Send(r, fmt.Sprintf("person,city,rating\n%d,c%04d,3\n", i, i))

		// The first load runs undisturbed and tells how long a load takes.
		p := h.StartServer("worker")
		began := time.Now()
		if i > 0 {
			after := time.NewTimer(rand.N(longest * 6 / 5))
			<-after.C
			p.Kill()
		}
		state := h.Latest(l)
		got := h.rows()
		switch {
		case state.State == job.StateSucceeded && cmp.Equal(got, after):
		case i > 0 && !state.State.Finished() && cmp.Equal(got, before):
		case i == 0:
		default:
			t.Fatalf("kill %d: the load is %s and the rows are %v, before %v", i, state.State, got, before)
		}
		if i > 0 {
			p = h.StartServer("worker")
		}
		if l := h.Ended(l); l.State != job.StateSucceeded { // one kill is fewer than MaxAttempts
			t.Fatalf("kill %d: %+v %+v", i, l, l.Error)
		}
		if i == 0 {
			longest = time.Since(began)
		}
		p.Kill()
		want = after
		if diff := cmp.Diff(want, h.rows()); diff != "" {
			t.Fatalf("kill %d: %s", i, diff)
		}
	}
	// What the last server had no time to remove, the next one removes.
	h.Now = func() time.Time { return time.Now().Add(2 * job.SupersededFor) }
	h.runOnce()
	if got := append(h.Files("spool"), h.Files("tmp")...); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	if got, live := h.Files("tenants/a/ratings"), len(h.head().Segments); len(got) != live {
		t.Errorf("%d segments are live and there are the files %v", live, got)
	}
}
