package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"

	"github.com/noised/noised/privacy"
)

// queue holds the charges that wait for a transaction, in order of arrival. A
// transaction costs an fsync, so that whoever waits while one runs shares the
// next.
type queue struct {
	mu      sync.Mutex
	waiting []*waiting
	serving bool            // somebody waits for a transaction, and will take the queue's head
	served  map[string]bool // the principals of the batch before
}

// waiting is a charge that was asked for.
type waiting struct {
	request Request
	draft   draft
	done    chan struct{} // closed when the answer is there
	charge  Charge
	err     error
}

// newWaiting prepares what does not need the transaction.
func (l *Ledger) newWaiting(r Request) (*waiting, error) {
	r, err := r.checked()
	if err != nil {
		return nil, err
	}
	d, err := draftOf(r, l.likely.Of(r.of))
	return &waiting{request: r, draft: d, done: make(chan struct{})}, err
}

// A transaction takes charges up to these bounds, and always one. Others that use
// the store wait for it.
const (
	maxBatch         = 128
	maxBatchAccounts = maxAccounts
)

// join adds a charge. It is true if the caller must have the queue served.
func (q *queue) join(w *waiting) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	serve := !q.serving
	q.serving = true
	return serve
}

// leave removes a charge, and is false if it was taken.
func (q *queue) leave(w *waiting) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take removes what one transaction may decide. It is in order of arrival, and
// where not all fits, every principal's first come before anyone's second, those
// of principals who were just served last. What is too large for the room that is
// left waits, and others go before it. more says that the caller must have the
// rest served.
func (q *queue) take() (batch []*waiting, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	accounts, taken := 0, make([]bool, len(q.waiting))
	chosen := 0
	for _, i := range byTurn(q.waiting, q.served) {
		n := q.waiting[i].request.requiredCount()
		if chosen == maxBatch || chosen > 0 && accounts+n > maxBatchAccounts {
			continue
		}
		taken[i], accounts, chosen = true, accounts+n, chosen+1
	}
	q.served = make(map[string]bool)
	var rest []*waiting
	for i, w := range q.waiting {
		if !taken[i] {
			rest = append(rest, w)
			continue
		}
		batch = append(batch, w)
		q.served[w.request.Principal] = true
	}
	q.waiting, q.serving = rest, len(rest) > 0
	return batch, q.serving
}

// byTurn orders the indexes of charges by how many of the same principal stand
// before each, counting the one that was just served, then by arrival.
func byTurn(all []*waiting, served map[string]bool) []int {
	before := map[string]int{}
	turn, order := make([]int, len(all)), make([]int, len(all))
	for i, w := range all {
		if _, known := before[w.request.Principal]; !known && served[w.request.Principal] {
			before[w.request.Principal] = 1
		}
		turn[i], order[i] = before[w.request.Principal], i
		before[w.request.Principal]++
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(turn[i], turn[j]) })
	return order
}

// serve makes the charges at the head of the queue in one transaction, and
// answers them when it is on disk. They are taken when its turn has come, so that
// until then more can join and leave. What fails the transaction fails all of
// them, and nothing is charged.
func (l *Ledger) serve(ctx context.Context) {
	var batch []*waiting
	taken := false
	take := func() {
		if taken { // a busy store has InTx try again
			return
		}
		var more bool
		batch, more = l.queue.take()
		if taken = true; more {
			go l.serve(ctx)
		}
	}
	err := l.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		take()
		return l.chargeAll(ctx, tx, batch)
	})
	take() // its turn may never have come
	for _, w := range batch {
		if err != nil {
			w.charge, w.err = Charge{}, err
		}
		close(w.done)
	}
}

// chargeAll decides on charges one after the other. A panic fails them instead of
// ending the process, for those who asked wait elsewhere.
func (l *Ledger) chargeAll(ctx context.Context, tx *sql.Tx, batch []*waiting) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = privacy.Internal(fmt.Errorf("panic of type %T", r), "charging")
		}
	}()
	if len(batch) == 0 {
		return nil
	}
	requests := make([]Request, len(batch))
	for i, w := range batch {
		requests[i] = w.request
	}
	p, err := newPosting(ctx, tx, l.now(), requests...)
	if err != nil {
		return err
	}
	for _, w := range batch {
		if w.charge, w.err, err = p.charge(ctx, w.request, w.draft); err != nil {
			return err
		}
	}
	for c, t := range p.settled {
		l.likely.Learn(c, len(c.tenants)+len(c.periods), t.shares)
	}
	return p.finish(ctx)
}

// gaveUp is the error of a charge that was not made because nobody waits for it.
func gaveUp(cause error) error {
	return privacy.Errorf(privacy.CodeUnavailable, "the control store is busy; try again").Because(cause)
}
