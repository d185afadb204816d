package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/noised/noised/privacy"
)

// waiting is a charge that was asked for.
type waiting struct {
	request Request
	draft   draft
	done    chan struct{} // closed when the answer is there
	charge  Charge
	err     error
}

// Principal implements batch.Waiting.
func (w *waiting) Principal() string { return w.request.Principal }

// Accounts implements batch.Waiting.
func (w *waiting) Accounts() int { return w.request.requiredCount() }

// newWaiting prepares what does not need the transaction.
func (l *Ledger) newWaiting(r Request) (*waiting, error) {
	r, err := r.checked()
	if err != nil {
		return nil, err
	}
	d, err := draftOf(r, l.likely.Of(r.of))
	return &waiting{request: r, draft: d, done: make(chan struct{})}, err
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
		batch, more = l.queue.Take()
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
