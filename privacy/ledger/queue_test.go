package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/batch"
	"github.com/noised/noised/privacy/translog"
)

// observer sees transactions as the store's witness does.
type observer struct {
	before func() error // the commit
	after  func() error // the commit, before anybody is answered
}

func (o *observer) Observe(context.Context, *sql.Tx) (func(context.Context) error, error) {
	if o.before != nil {
		if err := o.before(); err != nil {
			return nil, err
		}
	}
	return func(context.Context) error {
		if o.after == nil {
			return nil
		}
		return o.after()
	}, nil
}

func (o *observer) Ready(context.Context) error { return nil }

// hold keeps the store's writer busy until the returned function is called.
func (f *fixture) hold(t *testing.T) (release func()) {
	t.Helper()
	holding, free := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		if err := f.db.InTx(t.Context(), func(context.Context, *sql.Tx) error {
			close(holding)
			<-free
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-holding
	return func() {
		close(free)
		done.Wait()
	}
}

// queued waits until so many charges stand in the queue.
func (f *fixture) queued(n int) {
	for {
		if f.queue.Len() == n {
			return
		}
		runtime.Gosched()
	}
}

// serveHere has the charges that come wait until the test serves them.
func (f *fixture) serveHere() {
	first := &waiting{}
	f.queue.Join(first)
	f.queue.Leave(first)
}

// TestWhoWaitsSharesATransaction: charges that come while the writer is busy are
// made by one transaction, in order of arrival.
func TestWhoWaitsSharesATransaction(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	transactions := 0
	f.db.SetWitness(&observer{before: func() error { transactions++; return nil }})
	release := f.hold(t)
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = f.mustCharge(t, ask(fmt.Sprint("q", i), units)).ID })
		f.queued(i + 1)
	}
	release()
	wg.Wait()
	if transactions != 2 { // that of hold, and one
		t.Errorf("%d charges took %d transactions", len(ids), transactions-1)
	}
	for i, id := range ids {
		if seq := f.scalar(t, `SELECT seq FROM charges WHERE id = ?`, id); seq != int64(i+1) {
			t.Errorf("charge %d was made as number %d", i+1, seq)
		}
	}
	f.audit(t)
}

// TestWhoLeavesTheQueueIsNotCharged: a context that ends while its charge waits
// takes the charge out, and nobody else's.
func TestWhoLeavesTheQueueIsNotCharged(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	release := f.hold(t)
	var wg sync.WaitGroup
	errs := make([]error, 5)
	patient, hangUp := context.WithCancel(t.Context())
	var left sync.WaitGroup
	left.Add(2) // charges 1 and 3
	for i := range errs {
		wg.Go(func() {
			ctx := t.Context()
			if i%2 == 1 {
				ctx = patient
			}
			if _, errs[i] = f.Charge(ctx, ask(fmt.Sprint("q", i), units)); i%2 == 1 {
				left.Done()
			}
		})
		f.queued(i + 1)
	}
	hangUp()
	left.Wait() // while the writer is still busy
	release()
	wg.Wait()
	for i, err := range errs {
		if i%2 == 0 && err != nil || i%2 == 1 && (privacy.CodeOf(err) != privacy.CodeUnavailable || !errors.Is(err, context.Canceled)) {
			t.Errorf("charge %d: %v", i, err)
		}
		if _, found, err := f.Lookup(t.Context(), fmt.Sprint("q", i)); found != (i%2 == 0) || err != nil {
			t.Errorf("charge %d is there: %v, %v", i, found, err)
		}
	}
	if s := f.state(t, privacy.TenantAccount("a")); s.Spent.Mu2 != 3*units {
		t.Errorf("spent %d, want 3 charges", s.Spent.Mu2)
	}
}

// TestAHangUpDuringTheTransactionChangesNothing: the charge is made, and its
// caller learns of it.
func TestAHangUpDuringTheTransactionChangesNothing(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	ctx, hangUp := context.WithCancel(t.Context())
	f.db.SetWitness(&observer{before: func() error { hangUp(); return nil }})
	if c, err := f.Charge(ctx, ask("q", units)); err != nil || c.State != StatePending {
		t.Errorf("got %+v, %v", c, err)
	}
	if s := f.state(t, privacy.TenantAccount("a")); s.Spent.Mu2 != units {
		t.Errorf("spent %d", s.Spent.Mu2)
	}
}

// TestAFailedTransactionChargesNobody, and the next one is made.
func TestAFailedTransactionChargesNobody(t *testing.T) {
	full := errors.New("the disk is full")
	failures := map[string]func(*fixture) (restore func()){
		"before the commit": func(f *fixture) func() {
			f.db.SetWitness(&observer{before: func() error { return full }})
			return func() { f.db.SetWitness(nil) }
		},
		"no page is free": func(f *fixture) func() {
			set := func(pages int64) {
				if err := f.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, fmt.Sprint("PRAGMA max_page_count = ", pages))
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			set(f.scalar(t, `PRAGMA page_count`))
			return func() { set(1 << 30) }
		},
		"a panic": func(f *fixture) func() {
			clock := f.now
			f.now = func() time.Time { panic("a bug") }
			return func() { f.now = clock }
		},
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
			size, root, err := translog.Head(t.Context(), f.db)
			if err != nil {
				t.Fatal(err)
			}
			restore := fail(f)
			f.serveHere()
			var wg sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				r := ask(fmt.Sprint("q", i), units)
				r.Payload = make([]byte, 64<<10) // more than what is free in the last page
				wg.Go(func() { _, errs[i] = f.Charge(t.Context(), r) })
				f.queued(i + 1)
			}
			f.serve(t.Context())
			wg.Wait()
			restore()
			for i, err := range errs {
				if err == nil || privacy.CodeOf(err) == privacy.CodeBudgetExhausted {
					t.Errorf("charge %d: %v", i, err)
				}
			}
			if n, r, err := translog.Head(t.Context(), f.db); n != size || r != root || err != nil {
				t.Errorf("the log changed (%v)", err)
			}
			if s := f.state(t, privacy.TenantAccount("a")); s.SpentLifetime != (privacy.Cost{}) {
				t.Errorf("spent %+v", s.SpentLifetime)
			}
			if c := f.mustCharge(t, ask("q1", units)); c.Existing {
				t.Error("a charge that failed is there")
			}
			f.audit(t)
		})
	}
}

// TestACrashBeforeTheAnswerLosesNoCharge: what was committed when the server could
// not say so is found again, unpaid for a second time, and can be redeemed.
func TestACrashBeforeTheAnswerLosesNoCharge(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	f.serveHere()
	f.db.SetWitness(&observer{after: func() error { return errors.New("the power failed") }})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if _, err := f.Charge(t.Context(), ask(fmt.Sprint("q", i), units)); err == nil {
				t.Error("a charge was answered before it was witnessed")
			}
		})
		f.queued(i + 1)
	}
	f.serve(t.Context())
	wg.Wait()
	again := f.reopen(t)
	if pending, err := again.Pending(t.Context()); err != nil || len(pending) != 4 {
		t.Fatalf("%d charges wait to be redeemed, %v", len(pending), err)
	}
	for i := range 4 {
		c := again.mustCharge(t, ask(fmt.Sprint("q", i), units))
		if !c.Existing || c.State != StatePending {
			t.Errorf("the retry got %+v", c)
		}
		redeem(t, again, c.ID, fmt.Sprint("rel_", i))
	}
	if s := again.state(t, privacy.TenantAccount("a")); s.Spent.Mu2 != 4*units {
		t.Errorf("spent %d, want 4 charges", s.Spent.Mu2)
	}
	again.audit(t)
}

// TestMoreThanABatchIsServed: what one transaction leaves, the next takes.
func TestMoreThanABatchIsServed(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	release := f.hold(t)
	const n = 2*batch.MaxCharges + 3
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f.mustCharge(t, ask(fmt.Sprint("q", i), units)) })
	}
	f.queued(n)
	release()
	wg.Wait()
	if s := f.state(t, privacy.TenantAccount("a")); s.Spent.Mu2 != n*units {
		t.Errorf("spent %d, want %d charges", s.Spent.Mu2, n)
	}
	f.audit(t)
}
