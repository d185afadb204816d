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
	return g.add(who, n)
}

func (g *Gauge) add(who string, n int64) int64 {
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

// Take counts so much more in use if that makes no more than a limit. What is refused
// is not counted at any moment, so that it stands in nobody else's way.
func (g *Gauge) Take(who string, n, limit int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if limit != Unlimited && g.used[who]+n > limit {
		return false
	}
	g.add(who, n)
	return true
}
