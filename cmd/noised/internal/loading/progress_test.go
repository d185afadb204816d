package loading

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/noised/noised/api/wire"
)

// tty is a terminal's stream that several goroutines write to.
type tty struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *tty) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *tty) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// TestABarShowsTheLoadAndThenNothing follows a load on a terminal: the state is
// shown after the bytes have left, and nothing is drawn once it is done. The bar's
// clock is the test's, so that no machine is too slow for it.
func TestABarShowsTheLoadAndThenNothing(t *testing.T) {
	for _, size := range []int64{0, 1000} {
		synctest.Test(t, func(t *testing.T) {
			s := &tty{}
			p := &Progress{out: s, name: "a.csv", size: size, width: 80}
			p.start()
			p.sent(1000)
			p.state(wire.Load{State: wire.LoadStateRunning, RowsRead: 73421})
			time.Sleep(250 * time.Millisecond) // the spinner draws itself
			if !strings.Contains(s.String(), "a.csv: running, 73,421 rows") {
				t.Errorf("size %d: the state is not shown: %q", size, s.String())
			}
			p.Done()
			end := s.String()
			if !strings.HasSuffix(end, "\r") {
				t.Errorf("size %d: the line is not cleared: %q", size, end)
			}
			time.Sleep(250 * time.Millisecond)
			if s.String() != end {
				t.Errorf("size %d: drawn after the end: %q", size, strings.TrimPrefix(s.String(), end))
			}
		})
	}
}
