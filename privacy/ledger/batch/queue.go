// Package batch says which of the charges that wait share the next transaction, so
// that nobody's many keep another's few waiting. It knows of a charge who makes it and
// how many accounts it needs, which its request says: what was spent, and what the
// charges that came before were answered, changes no turn. It opens no transaction:
// whoever is told by [Queue.Join] or [Queue.Take] to serve the queue does.
package batch

import (
	"cmp"
	"slices"
	"sync"
)

// Waiting is a charge that was asked for.
type Waiting interface {
	comparable

	// Principal returns who asked.
	Principal() string
	// Accounts returns how many accounts the charge needs.
	Accounts() int
}

// Queue holds the charges that wait for a transaction, in order of arrival. A
// transaction costs an fsync, so that whoever waits while one runs shares the
// next. It is safe for concurrent use, and its zero value is empty.
type Queue[W Waiting] struct {
	mu      sync.Mutex
	waiting []W
	serving bool            // somebody waits for a transaction, and will take the queue's head
	served  map[string]bool // the principals of the batch before
}

// A transaction takes charges up to these bounds, and always one. Others that use
// the store wait for it. No charge needs more accounts than these: more are refused
// before it waits.
const (
	MaxCharges  = 128
	MaxAccounts = 20_000
)

// Join adds a charge. It is true if the caller must have the queue served.
func (q *Queue[W]) Join(w W) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	serve := !q.serving
	q.serving = true
	return serve
}

// Leave removes a charge, and is false if it was taken.
func (q *Queue[W]) Leave(w W) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// Len returns how many charges wait.
func (q *Queue[W]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Take removes what one transaction may decide. It is in order of arrival, and
// where not all fits, every principal's first come before anyone's second, those
// of principals who were just served last. What is too large for the room that is
// left waits, and others go before it. more says that the caller must have the
// rest served.
func (q *Queue[W]) Take() (batch []W, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	accounts, taken := 0, make([]bool, len(q.waiting))
	chosen := 0
	for _, i := range byTurn(q.waiting, q.served) {
		n := q.waiting[i].Accounts()
		if chosen == MaxCharges || chosen > 0 && accounts+n > MaxAccounts {
			continue
		}
		taken[i], accounts, chosen = true, accounts+n, chosen+1
	}
	q.served = make(map[string]bool)
	var rest []W
	for i, w := range q.waiting {
		if !taken[i] {
			rest = append(rest, w)
			continue
		}
		batch = append(batch, w)
		q.served[w.Principal()] = true
	}
	q.waiting, q.serving = rest, len(rest) > 0
	return batch, q.serving
}

// byTurn orders the indexes of charges by how many of the same principal stand
// before each, counting the one that was just served, then by arrival.
func byTurn[W Waiting](all []W, served map[string]bool) []int {
	before := map[string]int{}
	turn, order := make([]int, len(all)), make([]int, len(all))
	for i, w := range all {
		if _, known := before[w.Principal()]; !known && served[w.Principal()] {
			before[w.Principal()] = 1
		}
		turn[i], order[i] = before[w.Principal()], i
		before[w.Principal()]++
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(turn[i], turn[j]) })
	return order
}
