package limits

import (
	"math"
	"sync"
	"time"

	"github.com/noised/noised/privacy"
)

// Rates limits requests per principal by the generic cell rate algorithm: each
// request moves the principal's theoretical arrival time one interval on, and is
// refused while that lies further ahead than the burst allows.
type Rates struct {
	interval time.Duration
	ahead    time.Duration
	now      func() time.Time

	mu       sync.Mutex
	arrivals map[string]time.Time
	swept    time.Time
}

// NewRates admits so many requests a second of each, and so many at once.
func NewRates(perSecond float64, burst int, now func() time.Time) *Rates {
	interval := time.Duration(float64(time.Second) / perSecond)
	return &Rates{interval: interval, ahead: time.Duration(burst-1) * interval, now: now, arrivals: map[string]time.Time{}}
}

// Allow admits a request of a principal, or refuses it as CodeRateLimited.
func (r *Rates) Allow(principal string) error {
	if r.Admit(principal, r.interval, r.ahead) {
		return nil
	}
	perSecond := math.Round(float64(time.Second) / float64(r.interval))
	return privacy.Errorf(privacy.CodeRateLimited, "this key may make %g requests a second", perSecond)
}

// Admit counts a request unless it comes too early, at a rate of its own.
func (r *Rates) Admit(who string, interval, ahead time.Duration) bool {
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

// sweep forgets principals that have been idle, so that the map does not grow.
func (r *Rates) sweep(now time.Time) {
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
