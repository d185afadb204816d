package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// marked copies the loaded sample and writes a high-water mark for it elsewhere.
// It returns the flags of servers on it.
func marked(t *testing.T) (s *site, flags []string) {
	t.Helper()
	tpl, err := loadedTemplate()
	check(t, err)
	s = &site{t: t, dir: filepath.Join(t.TempDir(), "data"), Parties: tpl.parties}
	check(t, blackbox.CopyDir(tpl.dir, s.dir))
	mark := filepath.Join(t.TempDir(), "mark")
	check(t, program.Run(t.Context(), "ledger", "accept", "--data-dir", s.dir, "--high-water-file", mark, "--yes"))
	return s, append([]string{"--high-water-file", mark}, crashFlags...)
}

// count asks a question that was not asked before.
func (s *site) count(server *blackbox.Server, n int64) (answer, error) {
	s.t.Helper()
	return try(s.t, server, s.query(wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: ptr(0.5 + 1e-9*float64(n))}))
}

// notServed checks that no server starts on a directory.
func notServed(t *testing.T, dir, why string, flags ...string) {
	t.Helper()
	server, err := program.Start(t.Context(), dir, flags...)
	if err == nil {
		check(t, server.Kill())
		t.Fatalf("%s is served", dir)
	}
	if !strings.Contains(err.Error(), "refusing to serve") || !strings.Contains(err.Error(), why) {
		t.Errorf("the server says %v, and not %q", err, why)
	}
}

// TestTheMarkCoversEveryAnswer kills two servers that share a data directory and
// its mark at random moments. Whatever moment it was, the directory is served
// again; and a copy from before any answer is not.
func TestTheMarkCoversEveryAnswer(t *testing.T) {
	s, flags := marked(t)
	s.start(flags...)
	s.budget(generous)
	check(t, s.Stop())
	var n atomic.Int64
	for round := range times(6, 100) {
		old := filepath.Join(t.TempDir(), "old")
		check(t, blackbox.CopyDir(s.dir, old))
		servers := []*blackbox.Server{s.another(flags...), s.another(flags...)}
		var answers atomic.Int64
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for client := range 4 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					a, err := s.count(servers[client%2], n.Add(1))
					if err == nil && a.status == http.StatusOK {
						answers.Add(1)
					}
				}
			})
		}
		timer := time.NewTimer(time.Duration(rand.Int64N(int64(200 * time.Millisecond))))
		<-timer.C
		for _, server := range servers {
			check(t, server.Kill())
		}
		close(stop)
		wg.Wait()
		t.Logf("round %d: %d answers", round, answers.Load())
		if answers.Load() > 0 {
			notServed(t, old, "older than its high-water mark", flags...)
		}
	}
	s.start(flags...)
	if a, err := s.count(s.Server, n.Add(1)); err != nil || a.status != http.StatusOK {
		t.Errorf("after all: %d %s, %v", a.status, a.body, err)
	}
}

// TestACopyThatIsServedBesideTheOriginalStops: otherwise every budget would be
// there twice. The original goes on.
func TestACopyThatIsServedBesideTheOriginalStops(t *testing.T) {
	s, flags := marked(t)
	s.start(flags...)
	s.budget(generous)
	check(t, s.Stop())
	copied := &site{t: t, dir: filepath.Join(t.TempDir(), "copy"), Parties: s.Parties}
	check(t, blackbox.CopyDir(s.dir, copied.dir))
	s.start(flags...)
	copied.start(flags...)
	if a, err := s.count(s.Server, 1); err != nil || a.status != http.StatusOK {
		t.Fatalf("the original: %d %s, %v", a.status, a.body, err)
	}
	a, err := copied.count(copied.Server, 1)
	check(t, err)
	if a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "/problems/unavailable") {
		t.Errorf("the copy: %d %s", a.status, a.body)
	}
	if ready := copied.call(request{method: http.MethodGet, path: "/readyz"}); ready.status == http.StatusOK {
		t.Error("the copy says that it is ready")
	}
	if a, err := s.count(s.Server, 2); err != nil || a.status != http.StatusOK {
		t.Errorf("the original afterwards: %d %s, %v", a.status, a.body, err)
	}
	check(t, copied.Kill())
	notServed(t, copied.dir, "high-water mark", flags...)
}

// TestWithoutItsMarkTheServerAnswersNobody, and goes on when it is back. What
// was asked meanwhile is paid for, and is answered then.
func TestWithoutItsMarkTheServerAnswersNobody(t *testing.T) {
	s, flags := marked(t)
	s.start(flags...)
	s.budget(generous)
	first, err := s.count(s.Server, 1)
	check(t, err)
	mark := flags[1]
	check(t, os.Rename(mark, mark+".away"))
	if a, err := s.count(s.Server, 2); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("without its mark: %d %s, %v", a.status, a.body, err)
	}
	release := request{key: s.Analyst, method: http.MethodGet, path: "/v1/releases/" + first.header.Get(wire.HeaderRelease)}
	if a := s.call(release); a.status < 500 {
		t.Errorf("a release is read all the same: %d", a.status)
	}
	check(t, os.Rename(mark+".away", mark))
	again := eventually(t, func() (answer, bool) {
		a, err := s.count(s.Server, 2)
		return a, err == nil && a.status == http.StatusOK
	})
	if again.header.Get(wire.HeaderRelease) == first.header.Get(wire.HeaderRelease) {
		t.Error("the second question got the first one's release")
	}
	if a := s.call(release); a.status != http.StatusOK {
		t.Errorf("the release: %d %s", a.status, a.body)
	}
	charges := s.allCharges(s.Tenants[0])
	if len(charges) != 2 {
		t.Errorf("%d charges for two questions", len(charges))
	}
}
