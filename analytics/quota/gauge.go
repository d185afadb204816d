package quota

import "sync"

// Gauge counts what is in use, by whom. It is safe for concurrent use; the zero
// value is ready.
type Gauge struct {
	mu   sync.Mutex
	used map[string]int64
}

// Add counts so much more (or less) in use and returns how much that makes.
func (g *Gauge) Add(who string, n int64) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.used == nil {
		g.used = map[string]int64{}
	}
	g.used[who] += n
	now := g.used[who]
	if now == 0 {
		delete(g.used, who)
	}
	return now
}

// Take counts one more in use if that makes no more than a limit.
func (g *Gauge) Take(who string, limit int64) bool {
	if g.Add(who, 1) <= limit || limit == Unlimited {
		return true
	}
	g.Add(who, -1)
	return false
}
