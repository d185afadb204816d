package resttest

import (
	"bytes"
	"regexp"
	"sync"
	"time"
)

// Log is a log that can be read while it is written.
type Log struct {
	mu    sync.Mutex
	b     bytes.Buffer
	lines sync.Cond
}

func newLog() *Log {
	s := &Log{}
	s.lines.L = &s.mu
	return s
}

// Write implements io.Writer.
func (s *Log) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.Broadcast()
	return s.b.Write(p)
}

// Find waits for a match: a line about an answer may be written after it left.
func (s *Log) Find(pattern string) []string {
	re := regexp.MustCompile(pattern)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if m := re.FindStringSubmatch(s.b.String()); m != nil {
			return m
		}
		s.lines.Wait()
	}
}

// String returns what was written.
func (s *Log) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Clock stands still unless it is told to move.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
