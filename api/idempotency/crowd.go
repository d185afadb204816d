package idempotency

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/noised/noised/privacy"
)

// MaxKeys is about how many Idempotency-Keys one principal may have used within
// Retention. A record without an answer is small, but every request may bring another.
const MaxKeys = 100_000

// A principal's records are counted anew after so long: fewer may be left by then, and
// other processes add some.
const (
	countAgain       = time.Hour
	countAgainIfFull = time.Minute
)

// crowd knows about how many records principals have, so that they need not be counted
// for each request.
type crowd struct {
	most int64

	mu   sync.Mutex
	seen map[string]count
}

type count struct {
	n  int64
	at time.Time // when it was counted
}

// admit counts one more record of a principal, or refuses it. A key that is refused was
// not used: its request has no effect, and may be made again.
func (c *crowd) admit(ctx context.Context, tx *sql.Tx, principal string, now time.Time) error {
	n, counted := c.more(principal, now)
	if !counted {
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM idempotency WHERE principal = ?`, principal).Scan(&n); err != nil {
			return privacy.Internal(err, "count idempotency records")
		}
		c.note(principal, n, now)
	}
	if n >= c.most {
		return privacy.Errorf(privacy.CodeRateLimited, "%d Idempotency-Keys were used within a day", c.most).
			Suggest("use keys for what must not be done twice, or wait until the first ones have expired")
	}
	return nil
}

// more returns how many records there were before this one, if that is known.
func (c *crowd) more(principal string, now time.Time) (n int64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, known := c.seen[principal]
	again := countAgain
	if s.n >= c.most {
		again = countAgainIfFull
	}
	if !known || now.Sub(s.at) >= again || now.Before(s.at) {
		return 0, false
	}
	n = s.n
	s.n = min(n+1, c.most)
	c.seen[principal] = s
	return n, true
}

// note keeps what was counted, and the record that it was counted for.
func (c *crowd) note(principal string, n int64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.seen[principal]; c.seen == nil || !known && len(c.seen) >= maxPrincipals {
		c.seen = map[string]count{}
	}
	c.seen[principal] = count{n: min(n+1, c.most), at: now}
}
