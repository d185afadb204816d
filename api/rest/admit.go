package rest

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy"
)

// admit takes a slot for the request and sets its time limit. Probes need no
// slot, so that a busy server does not look dead; uploads have slots of their
// own and no time limit but the silence that they may keep.
func (s *server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		cl := callOf(c.Request().Context())
		if cl.op == nil || cl.op.access.public {
			return next(c)
		}
		slots := s.slotsOf(cl.op)
		if !slots.take() {
			return privacy.Errorf(privacy.CodeUnavailable, "the server is answering as many requests as it can")
		}
		defer slots.give()
		if cl.op.upload {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.Timeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// slots limits how much runs at a time. It never waits: a caller that is told
// to come back can choose; one that waits cannot.
//
// Nobody takes more than half of the slots, or one that keeps requests open, with
// bodies or uploads that hardly move, would be all that the server does.
type slots struct {
	free  chan struct{}
	half  int64
	taken quota.Gauge // by tenant; by principal of none
}

func newSlots(n int) *slots {
	s := &slots{free: make(chan struct{}, n), half: max(int64(n)/2, 1)}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

func (s *slots) take() bool {
	select {
	case <-s.free:
		return true
	default:
		return false
	}
}

func (s *slots) give() { s.free <- struct{}{} }

// share counts a slot that is taken against a principal's tenant, once it is known
// whose it is, and returns what ends that.
func (s *slots) share(p privacy.Principal) (give func(), err error) {
	whose := turns.Who{Tenant: p.Tenant, Principal: p.ID}.Whose()
	if !s.taken.Take(whose, s.half) {
		return nil, privacy.Errorf(privacy.CodeRateLimited, "half of what the server answers at a time is this caller's already: wait until some of it has been answered")
	}
	return func() { s.taken.Add(whose, -1) }, nil
}

// slotsOf returns the slots that an operation takes one of.
func (s *server) slotsOf(op *operation) *slots {
	if op.upload {
		return s.uploads
	}
	return s.slots
}

// rates limits requests per principal by the generic cell rate algorithm: each
// request moves the principal's theoretical arrival time one interval on, and is
// refused while that lies further ahead than the burst allows.
type rates struct {
	interval time.Duration
	ahead    time.Duration
	now      func() time.Time

	mu       sync.Mutex
	arrivals map[string]time.Time
	swept    time.Time
}

func newRates(perSecond float64, burst int, now func() time.Time) *rates {
	interval := time.Duration(float64(time.Second) / perSecond)
	return &rates{interval: interval, ahead: time.Duration(burst-1) * interval, now: now, arrivals: map[string]time.Time{}}
}

// allow admits a request of a principal, or refuses it as CodeRateLimited.
func (r *rates) allow(principal string) error {
	if r.admit(principal, r.interval, r.ahead) {
		return nil
	}
	perSecond := math.Round(float64(time.Second) / float64(r.interval))
	return privacy.Errorf(privacy.CodeRateLimited, "this key may make %g requests a second", perSecond)
}

// admit counts a request unless it comes too early.
func (r *rates) admit(who string, interval, ahead time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.sweep(now)
	at := r.arrivals[who]
	if at.Before(now) {
		at = now
	}
	if at.Sub(now) > ahead {
		return false
	}
	r.arrivals[who] = at.Add(interval)
	return true
}

// withinTenant holds a principal to what all of its tenant's may make together:
// a second's worth at once.
func (s *server) withinTenant(ctx context.Context, p privacy.Principal) error {
	if p.Tenant == "" {
		return nil
	}
	limits, err := s.Quotas.Of(ctx, p.Tenant)
	if err != nil {
		return err
	}
	perSecond := limits[quota.RequestsPerSecond]
	if perSecond == quota.Unlimited {
		return nil
	}
	if perSecond > 0 {
		interval := max(time.Second/time.Duration(perSecond), 1)
		if s.shares.admit(p.Tenant, interval, time.Second-interval) {
			return nil
		}
	}
	return limits.Exceeded(quota.RequestsPerSecond)
}

// sweep forgets principals that have been idle, so that the map does not grow.
func (r *rates) sweep(now time.Time) {
	if now.Sub(r.swept) < time.Minute {
		return
	}
	r.swept = now
	for p, at := range r.arrivals {
		if at.Before(now) {
			delete(r.arrivals, p)
		}
	}
}
