package job_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

func TestCancelEndsALoadInEveryState(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	pending := h.create(request(), "person,city,rating\n1,x,3\n")
	l, err := h.Cancel(context.Background(), "a", pending.ID)
	if err != nil || l.State != job.StateCancelled || l.FinishedAt == nil {
		t.Fatalf("%+v, %v", l, err)
	}
	stop := h.run()
	running := h.create(request(), "person,city,rating\n1,x,3\n")
	h.wait(running.ID, func(s job.State) bool { return s == job.StateRunning })
	if l, err = h.Cancel(context.Background(), "a", running.ID); err != nil || l.State != job.StateCancelled {
		t.Fatalf("%+v, %v", l, err)
	}
	if again, err := h.Cancel(context.Background(), "a", running.ID); err != nil || again.State != job.StateCancelled {
		t.Errorf("%+v, %v", again, err)
	}
	stop()
	if got := append(h.files("spool"), h.files("tmp")...); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	if h.head().ID != "" {
		t.Error("a cancelled load was published")
	}
}

func TestALoadCancelledByAnotherProcessStops(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	other := open(t, h.dir)
	h.run()
	l := h.create(request(), "person,city,rating\n1,x,3\n")
	h.wait(l.ID, func(s job.State) bool { return s == job.StateRunning })
	if _, err := other.Cancel(context.Background(), "a", l.ID); err != nil {
		t.Fatal(err)
	}
	h.eventually("the end of the attempt", func() bool { return len(h.files("spool")) == 0 })
}

func TestFinishedLoadsCannotBeCancelled(t *testing.T) {
	h := newHouse(t)
	h.run()
	l := h.load(request(), "person,city,rating\n1,x,3\n")
	_, err := h.Cancel(context.Background(), "a", l.ID)
	wantCode(t, err, privacy.CodeConflict)
}

func TestAChildThatDiesFailsItsLoadWithAReason(t *testing.T) {
	h := newHouse(t, "sh", "-c", "kill -SEGV $$")
	h.run()
	l := h.finished(h.create(request(), "person,city,rating\n1,x,3\n").ID)
	if l.State != job.StateFailed || l.Error.Code != privacy.CodeLoadRejected || !strings.Contains(l.Error.Message, "crash") {
		t.Errorf("%+v", l.Error)
	}
	if h.head().ID != "" {
		t.Error("something was published")
	}
	if left := h.files("tmp/loads"); len(left) > 0 {
		t.Errorf("scratch files are left: %v", left)
	}
}

func TestAStoppedServerFinishesTheLoadLater(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	stop := h.run()
	l := h.create(request(), "person,city,rating\n1,x,3\n")
	h.wait(l.ID, func(s job.State) bool { return s == job.StateRunning })
	stop()
	if l, err := h.Get(context.Background(), "a", l.ID); err != nil || l.State != job.StatePending {
		t.Fatalf("%+v, %v", l, err)
	}
	again := open(t, h.dir)
	again.run()
	if l := again.finished(l.ID); l.State != job.StateSucceeded {
		t.Errorf("%+v", l)
	}
}

func TestOnlyOneProcessRunsLoadsAndAnotherTakesOver(t *testing.T) {
	h := newHouse(t, os.Args[0], "stuck-worker")
	stop := h.run()
	l := h.create(request(), "person,city,rating\n1,x,3\n")
	h.wait(l.ID, func(s job.State) bool { return s == job.StateRunning })
	second := open(t, h.dir)
	second.run()
	queued := second.create(request(), "person,city,rating\n2,y,3\n") // taken in, not run
	if l, err := second.Get(context.Background(), "a", queued.ID); err != nil || l.State != job.StatePending {
		t.Errorf("%+v, %v", l, err)
	}
	stop()
	for _, id := range []string{l.ID, queued.ID} {
		if l := second.finished(id); l.State != job.StateSucceeded {
			t.Errorf("%+v", l)
		}
	}
	if diff := cmp.Diff([]string{"x/3", "y/3"}, second.rows()); diff != "" {
		t.Error(diff)
	}
}

func TestRecoveryGivesUpAfterThreeAttempts(t *testing.T) {
	h := newHouse(t)
	l := h.create(request(), "person,city,rating\n1,x,3\n")
	for i := range job.MaxAttempts {
		p := startServer(t, h.dir, "stuck-worker")
		work := filepath.Join(h.dir, "tmp", "loads", fmt.Sprintf("%s-%d", l.ID, i+1))
		h.eventually("attempt "+work, func() bool {
			_, err := os.Stat(work)
			return err == nil
		})
		p.kill()
	}
	h.run()
	got := h.finished(l.ID)
	if got.State != job.StateFailed || got.Error.Code != privacy.CodeUnavailable || !strings.Contains(got.Error.Message, "three times") {
		t.Errorf("%+v", got)
	}
	h.eventually("the removal of the upload", func() bool { return len(h.files("spool")) == 0 })
}

func TestALostUploadFailsItsLoad(t *testing.T) {
	h := newHouse(t)
	l := h.create(request(), "person,city,rating\n1,x,3\n")
	h.must(os.Truncate(filepath.Join(h.dir, "spool", l.ID+".upload"), 3))
	h.run()
	got := h.finished(l.ID)
	if got.State != job.StateFailed || got.Error.Code != privacy.CodeUnavailable || !strings.Contains(got.Error.Message, "lost") {
		t.Errorf("%+v", got)
	}
}

func TestUploadsWithoutALoadAreRemoved(t *testing.T) {
	h := newHouse(t)
	stray := filepath.Join(h.dir, "spool", "load_stray.upload")
	h.must(os.WriteFile(stray, []byte("x"), 0o600))
	kept := h.create(request(), "person,city,rating\n1,x,3\n")
	h.run()
	h.finished(kept.ID)
	h.eventually("the removal of the stray", func() bool {
		_, err := os.Stat(stray)
		return os.IsNotExist(err)
	})
}

// serve is a server process: it runs loads until it is killed.
func serve(dir string) int {
	ctx := context.Background()
	db, err := controldb.Open(ctx, filepath.Join(dir, "control.db"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	command, compactAfter := workerCommand(), time.Duration(-1)
	if os.Args[3] != "worker" {
		command = []string{os.Args[0], os.Args[3]}
	}
	if len(os.Args) > 4 {
		compactAfter = time.Millisecond
	}
	run, err := child.New(child.Options{Command: command, MemoryMB: 300})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := job.New(job.Options{DB: db, Catalog: catalog.New(db, time.Now), Dir: dir, Workers: run, Concurrency: 2, CompactAfter: compactAfter, Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if err := s.Run(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  *bytes.Buffer
	done bool
}

func startServer(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], append([]string{"server", dir}, args...)...), out: &bytes.Buffer{}}
	p.cmd.Stdout = p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends the process as a power cut would, children left to themselves.
func (p *process) kill() {
	if p.done {
		return
	}
	p.done = true
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
	if p.out.Len() > 0 {
		p.t.Errorf("the server said: %s", p.out)
	}
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
		l := h.create(r, fmt.Sprintf("person,city,rating\n%d,c%04d,3\n", i, i))

		// The first load runs undisturbed and tells how long a load takes.
		p := startServer(t, h.dir, "worker")
		began := time.Now()
		if i > 0 {
			after := time.NewTimer(rand.N(longest * 6 / 5))
			<-after.C
			p.kill()
		}
		state, err := h.Get(context.Background(), "a", l.ID)
		h.must(err)
		got := h.rows()
		switch {
		case state.State == job.StateSucceeded && cmp.Equal(got, after):
		case i > 0 && !state.State.Finished() && cmp.Equal(got, before):
		case i == 0:
		default:
			t.Fatalf("kill %d: the load is %s and the rows are %v, before %v", i, state.State, got, before)
		}
		if p.done {
			p = startServer(t, h.dir, "worker")
		}
		if l := h.finished(l.ID); l.State != job.StateSucceeded { // one kill is fewer than MaxAttempts
			t.Fatalf("kill %d: %+v %+v", i, l, l.Error)
		}
		if i == 0 {
			longest = time.Since(began)
		}
		p.kill()
		want = after
		if diff := cmp.Diff(want, h.rows()); diff != "" {
			t.Fatalf("kill %d: %s", i, diff)
		}
	}
	// What the last server had no time to remove, the next one removes.
	h.now = func() time.Time { return time.Now().Add(2 * job.SupersededFor) }
	h.runOnce()
	if got := append(h.files("spool"), h.files("tmp")...); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	if got, live := h.files("tenants/a/ratings"), len(h.head().Segments); len(got) != live {
		t.Errorf("%d segments are live and there are the files %v", live, got)
	}
}
