package idempotency

import (
	"sync"
	"time"
)

// MaxKept is how many bytes of answers that can be had again without a second effect
// are kept for one principal, of about a day. The same release may be asked for with
// any number of keys, and each answer would be another copy of it.
const MaxKept = 64 << 20

// maxPrincipals bounds how many principals are counted at a time.
const maxPrincipals = 10_000

// room counts what was kept for principals. What another process keeps it does not
// know.
type room struct {
	mu    sync.Mutex
	since time.Time
	kept  map[string]int64
}

// take counts an answer, if there is room for it.
func (r *room) take(principal string, bytes int, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.kept[principal]; r.kept == nil || now.Sub(r.since) > Retention || !known && len(r.kept) >= maxPrincipals {
		r.since, r.kept = now, map[string]int64{}
	}
	if r.kept[principal]+int64(bytes) > MaxKept {
		return false
	}
	r.kept[principal] += int64(bytes)
	return true
}
