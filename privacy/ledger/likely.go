package ledger

import "sync"

// likely remembers whose accounts charges debited, by cohort, so that the next of the
// same kind is prepared while it waits for its transaction, and not in it, where all
// others wait for it too. It is a guess: accounts are opened and closed, by other
// processes as well. The transaction takes what was prepared if it finds the same
// accounts, and makes it anew if not. The zero value knows nothing.
type likely struct {
	mu    sync.Mutex
	known map[cohort]*shares
	size  int // of the texts, in bytes
}

// maxLikely bounds the texts that are remembered.
const maxLikely = 1 << 20

func (l *likely) of(c cohort) *shares {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[c]
}

// learn remembers what a transaction found.
func (l *likely) learn(found map[cohort]*touched) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, t := range found {
		if t.shares == nil || t.shares.same(l.known[c]) {
			continue
		}
		size := len(c.tenants) + len(c.periods)
		for _, text := range t.shares.texts {
			size += len(text)
		}
		if size > maxLikely {
			continue
		}
		if l.size += size; l.known == nil || l.size > maxLikely {
			l.known, l.size = map[cohort]*shares{}, size // the earlier ones will be found again
		}
		l.known[c] = t.shares
	}
}
