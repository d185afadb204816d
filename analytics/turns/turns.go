// Package turns shares a number of slots between those who want one.
//
// Whoever comes when all slots are taken waits in a queue of its own. A slot that
// becomes free goes to the tenant that holds the fewest, of these to the one that
// was served longest ago, and within the tenant to a principal by the same rule;
// one principal's requests go first come, first served. So one that floods waits
// for itself: among n tenants that want slots, each gets every n-th. And no tenant
// holds all slots, where there are several: what takes long for one keeps the last
// of them from nobody else.
//
// The order depends on who asks and when, and on when slots are given back, never
// on what is done with them.
package turns

import (
	"context"
	"sync"
)

// Who asks for a slot. Principals of no tenant are each a tenant of their own.
type Who struct{ Tenant, Principal string }

// Whose returns the tenant that the one who asks counts for: a name of no tenant for
// principals of none.
func (w Who) Whose() string {
	if w.Tenant != "" {
		return w.Tenant
	}
	return "/" + w.Principal // no tenant has this name
}

// Queue shares slots. It is safe for concurrent use.
type Queue struct {
	mu      sync.Mutex
	free    int
	most    int    // that one tenant may hold
	clock   uint64 // of arrivals and of slots given
	tenants map[string]*tenant
}

// share is what a tenant or a principal holds and has had.
type share struct {
	held   int
	last   uint64 // when it came, or got a slot last
	queued int
}

// before reports whether a share is served before another one.
func (s share) before(t share) bool {
	return s.held < t.held || s.held == t.held && s.last < t.last
}

type tenant struct {
	share
	principals map[string]*principal
}

type principal struct {
	share
	waiting []chan struct{} // closed when its turn has come
}

// New returns a queue for a number of slots.
func New(slots int) *Queue {
	return &Queue{free: slots, most: max(1, slots-1), tenants: map[string]*tenant{}}
}

// Take waits for a slot and returns what gives it back, which must be called once.
// When ctx ends first it returns the context's error.
func (q *Queue) Take(ctx context.Context, w Who) (giveBack func(), err error) {
	turn := make(chan struct{})
	q.mu.Lock()
	t, p := q.of(w)
	p.waiting = append(p.waiting, turn)
	p.queued++
	t.queued++
	q.serve()
	q.mu.Unlock()
	select {
	case <-turn:
	case <-ctx.Done():
		if q.leave(w, turn) {
			return nil, ctx.Err()
		}
		<-turn // it came at the same moment
	}
	return sync.OnceFunc(func() { q.giveBack(w) }), nil
}

// of returns the shares of who asks. mu is held.
func (q *Queue) of(w Who) (*tenant, *principal) {
	t := q.tenants[w.Whose()]
	if t == nil {
		// Whoever comes anew counts as served just now: who comes and goes must not
		// pass those who stay.
		t = &tenant{share: share{last: q.tick()}, principals: map[string]*principal{}}
		q.tenants[w.Whose()] = t
	}
	p := t.principals[w.Principal]
	if p == nil {
		p = &principal{share: share{last: q.tick()}}
		t.principals[w.Principal] = p
	}
	return t, p
}

// tick returns a moment that is later than all before. mu is held.
func (q *Queue) tick() uint64 {
	q.clock++
	return q.clock
}

// serve gives free slots to those whose turn it is. mu is held.
func (q *Queue) serve() {
	for q.free > 0 {
		var t *tenant
		for _, candidate := range q.tenants {
			if candidate.queued > 0 && candidate.held < q.most && (t == nil || candidate.before(t.share)) {
				t = candidate
			}
		}
		if t == nil {
			return
		}
		var p *principal
		for _, candidate := range t.principals {
			if candidate.queued > 0 && (p == nil || candidate.before(p.share)) {
				p = candidate
			}
		}
		q.free--
		now := q.tick()
		for _, s := range []*share{&t.share, &p.share} {
			s.held++
			s.queued--
			s.last = now
		}
		close(p.waiting[0])
		p.waiting = p.waiting[1:]
	}
}

// leave takes a request out of its queue, unless its turn has come.
func (q *Queue) leave(w Who, turn chan struct{}) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, p := q.of(w)
	for i, other := range p.waiting {
		if other == turn {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			p.queued--
			t.queued--
			q.forget(w)
			return true
		}
	}
	return false
}

func (q *Queue) giveBack(w Who) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, p := q.of(w)
	t.held--
	p.held--
	q.free++
	q.serve()
	q.forget(w)
}

// forget drops shares that nobody holds or waits in. mu is held.
func (q *Queue) forget(w Who) {
	t := q.tenants[w.Whose()]
	if p := t.principals[w.Principal]; p.held == 0 && p.queued == 0 {
		delete(t.principals, w.Principal)
	}
	if len(t.principals) == 0 {
		delete(q.tenants, w.Whose())
	}
}

// Waiting returns how many wait for a slot.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, t := range q.tenants {
		n += t.queued
	}
	return n
}
