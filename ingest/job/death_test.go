package job_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// restartWith makes a new service on the same data, with other options.
func (h *house) restartWith(edit func(*job.Options)) {
	h.t.Helper()
	o := job.Options{
		DB: h.db, Catalog: h.cat, Dir: h.dir, MaxUpload: 1 << 20, Concurrency: 2, MemoryMB: 300, CompactAfter: -1,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return h.now() },
	}
	edit(&o)
	var err error
	h.Service, err = job.New(o)
	h.must(err)
}

// noteBook is a log that may be read while it is written.
type noteBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *noteBook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *noteBook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func TestALoadThatTakesTooLongIsEnded(t *testing.T) {
	h := newHouse(t)
	h.restartWith(func(o *job.Options) {
		o.WorkerCommand, o.LoadTimeout = []string{os.Args[0], "stuck-worker"}, 300*time.Millisecond
	})
	h.run()
	l := h.finished(h.create(request(), "person,city,rating\n1,x,3\n").ID)
	if l.State != job.StateFailed || l.Error.Code != privacy.CodeLoadRejected || !strings.Contains(l.Error.Message, "longer than 300ms") {
		t.Errorf("%+v", l.Error)
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, "tmp", "loads", "*")); len(left) > 0 {
		t.Errorf("scratch files are left: %v", left)
	}
}

func TestALoadThatTakesTooMuchMemoryIsEnded(t *testing.T) {
	h := newHouse(t)
	h.restartWith(func(o *job.Options) { o.WorkerCommand = []string{"tail", "/dev/zero"} }) // keeps what it reads
	h.run()
	l := h.finished(h.create(request(), "person,city,rating\n1,x,3\n").ID)
	if l.State != job.StateFailed || l.Error.Code != privacy.CodeLoadRejected || !strings.Contains(l.Error.Message, "--load-memory-mb") {
		t.Errorf("%+v", l.Error)
	}
}

// What a worker writes as it dies may hold rows. None of it is kept.
func TestLastWordsAreNotKept(t *testing.T) {
	const private = "a-private-value"
	h := newHouse(t)
	var log noteBook
	h.restartWith(func(o *job.Options) {
		o.WorkerCommand = []string{"sh", "-c", "echo 'panic: " + private + "' >&2; echo " + private + "; exit 2"}
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	h.run()
	l := h.finished(h.create(request(), "person,city,rating\n1,x,3\n").ID)
	if l.State != job.StateFailed || strings.Contains(l.Error.Message, private) || strings.Contains(log.String(), private) {
		t.Errorf("%+v\n%s", l.Error, log.String())
	}
}

// A worker that was taken over says what it likes. The load fails, and only that.
func TestAWorkersWordIsNotBelieved(t *testing.T) {
	for code, want := range map[privacy.Code]privacy.Code{
		privacy.CodeLoadRejected: privacy.CodeLoadRejected, privacy.CodeSuspended: privacy.CodeInternal, privacy.CodeForbidden: privacy.CodeInternal, "x": privacy.CodeInternal,
	} {
		h := newHouse(t)
		var log noteBook
		says := `{"result":{"error":{"code":"` + string(code) + `","message":"'$m'"},"trace":"'$m'"}}`
		h.restartWith(func(o *job.Options) {
			o.WorkerCommand = []string{"sh", "-c", "m=$(printf '%0100000d' 0); echo '" + says + "'"}
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
		})
		h.run()
		l := h.finished(h.create(request(), "person,city,rating\n1,x,3\n").ID)
		if l.State != job.StateFailed || l.Error.Code != want || len(l.Error.Message) > 5000 {
			t.Errorf("%s: %s with %.100s", code, l.State, l.Error.Message)
		}
		if n := len(log.String()); n > 20_000 {
			t.Errorf("%s: %d bytes are in the log", code, n)
		}
	}
}
