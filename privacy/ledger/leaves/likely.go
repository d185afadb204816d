package leaves

import "sync"

// Likely remembers whose accounts charges debited, by cohort, so that the next of the
// same kind is prepared while it waits for its transaction, and not in it, where all
// others wait for it too. It is a guess: accounts are opened and closed, by other
// processes as well. The transaction takes what was prepared if it finds the same
// accounts, and makes it anew if not. The zero value knows nothing.
type Likely[C comparable] struct {
	mu    sync.Mutex
	known map[C]*Shares
	size  int // of the texts, in bytes
}

// maxLikely bounds the texts that are remembered.
const maxLikely = 1 << 20

// Of returns whose accounts a charge of a cohort is likely to debit; nil when nothing
// is known.
func (l *Likely[C]) Of(c C) *Shares {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[c]
}

// Learn remembers what a transaction found for a cohort, of so many bytes. Nothing is
// learned where it wrote no leaf.
func (l *Likely[C]) Learn(c C, size int, found *Shares) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found == nil || found.same(l.known[c]) {
		return
	}
	for _, text := range found.texts {
		size += len(text)
	}
	if size > maxLikely {
		return
	}
	if l.size += size; l.known == nil || l.size > maxLikely {
		l.known, l.size = map[C]*Shares{}, size // the earlier ones will be found again
	}
	l.known[c] = found
}
