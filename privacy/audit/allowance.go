package audit

import "time"

// allowances limits how many refusals of each principal are kept, by the generic
// cell rate algorithm: each moves the principal on by one interval, and is not kept
// while that lies further ahead than a burst. Callers that are not known share one.
type allowances struct {
	ahead time.Duration
	until map[string]time.Time
	swept time.Time
}

func (l *allowances) take(principal string, now time.Time) bool {
	if now.Sub(l.swept) >= time.Minute { // those that have their whole burst again need no entry
		l.swept = now
		for p, at := range l.until {
			if at.Before(now) {
				delete(l.until, p)
			}
		}
	}
	at := l.until[principal]
	if at.Before(now) {
		at = now
	}
	if at.Sub(now) > l.ahead {
		return false
	}
	l.until[principal] = at.Add(interval)
	return true
}
