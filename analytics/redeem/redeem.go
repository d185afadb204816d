package redeem

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
)

// ErrAbandoned is why a charge has no release and will have none.
var ErrAbandoned = errors.New("the charge was abandoned after too many attempts")

// Redeemed is the one release of a charge.
type Redeemed struct {
	Core release.Core
	// Shown is its view as it was stored for the question that was run for it just
	// now; nil for everybody else, who may have asked for another view.
	Shown *showing.Answer
}

// Settled returns the release of a charge that exists, finishing it if need be
// as the request that paid for it, for whoever asks now.
func (r *Redeemer) Settled(ctx context.Context, by privacy.Principal, key string) (release.Core, error) {
	core, ok, err := r.Store.ByKey(ctx, key)
	if err != nil || ok {
		return core, err
	}
	paid, live, err := r.Ledger.Lookup(ctx, key)
	if err != nil || !live {
		return release.Core{}, privacy.Internal(errors.Join(err, ErrAbandoned), "settle charge")
	}
	prep, err := r.Again(ctx, paid)
	if err != nil {
		return release.Core{}, err
	}
	prep.Asker = by
	out, err := r.Redeem(ctx, paid, prep, false)
	return out.Core, err
}

// Redeem returns the one release of a charge, computing it unless it is
// stored. The work goes on when the caller hangs up: a charge that was paid
// must come to its release. Leased says that the charge was made here just now, and
// with it the first lease.
//
// Who asks for the same at the same time shares a run. One that was stopped since
// the other's principal is suspended is begun again.
func (r *Redeemer) Redeem(ctx context.Context, charge ledger.Charge, prep *question.Prepared, leased bool) (Redeemed, error) {
	for {
		out, err := r.shared(ctx, charge, prep, leased)
		if !containment.Is(err) || r.Containment.Check(ctx, prep.Touches()) != nil {
			return out, err
		}
		leased = false
	}
}

// shared takes part in the run of a charge, or begins it.
func (r *Redeemer) shared(ctx context.Context, charge ledger.Charge, prep *question.Prepared, leased bool) (Redeemed, error) {
	r.inFlight.Add(1)
	leave := turns.Stay(ctx)
	work := context.WithoutCancel(ctx)
	var shown *showing.Answer // of the run that is begun here
	ch := r.flights.DoChan(charge.ID, func() (any, error) {
		out, err := r.contained(work, charge, prep, leased)
		shown = out.Shown
		return out.Core, err
	})
	done := func(came singleflight.Result) (Redeemed, error) {
		defer r.inFlight.Done()
		defer leave()
		if came.Err != nil {
			return Redeemed{}, constantFailure(came.Err)
		}
		return Redeemed{Core: came.Val.(release.Core), Shown: shown}, nil
	}
	select {
	case came := <-ch:
		return done(came)
	case <-ctx.Done():
		go func() { _, _ = done(<-ch) }()
		return Redeemed{}, question.Busy()
	}
}

// redeemSafely turns a panic into a failed run. Its value is not kept: it may
// hold a row's.
func (r *Redeemer) redeemSafely(ctx context.Context, charge ledger.Charge, prep *question.Prepared, leased bool) (out Redeemed, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = privacy.Internal(fmt.Errorf("panic of type %T", v), "redeem charge")
		}
	}()
	return r.redeem(ctx, charge, prep, leased)
}

// constantFailure hides why a run failed: whether it ran out of time, of memory
// or into a bug may depend on rows. The cause keeps its text for the log, and
// nothing by which a caller could tell one failure from another. The charge
// stays redeemable.
func constantFailure(err error) error {
	if e := privacy.AsError(err); e.Cause == nil && (e.Code == privacy.CodeUnavailable || e.Code == privacy.CodeSuspended) {
		return err
	}
	return privacy.Internal(errors.New(err.Error()), "redeem charge")
}

// redeem computes, noises and stores the release of a charge, or returns the
// one that is stored. While another process holds the charge it waits, and takes
// over should that one die.
//
// It waits no longer than the time limit, for the lease and for its turn, and the
// limit of the run begins with the run: one that comes at the end of a wait is not
// cut off for it, which would fail it, and count as an attempt.
func (r *Redeemer) redeem(ctx context.Context, charge ledger.Charge, prep *question.Prepared, leased bool) (Redeemed, error) {
	waiting, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	for mine := leased; !mine; {
		if stored, ok, err := r.Store.ByKey(waiting, charge.Key); err != nil || ok {
			return Redeemed{Core: stored}, inTime(waiting, err)
		}
		var err error
		if mine, err = r.lease(waiting, charge); err != nil {
			return Redeemed{}, inTime(waiting, err)
		}
	}
	// A charge that is leased is pending, and so has no release. From here on, whatever
	// fails yields it.
	return r.run(ctx, waiting, charge, prep)
}

// run does the work of a charge whose lease this process holds, if its turn comes
// while waiting lasts.
func (r *Redeemer) run(ctx, waiting context.Context, charge ledger.Charge, prep *question.Prepared) (out Redeemed, err error) {
	held, letGo := context.WithTimeout(ctx, r.Longest()) // one that hangs leaves the charge to others
	defer letGo()
	defer r.keepLease(held, charge)()
	began := false
	defer func() {
		if err != nil { // whoever asks again may try at once
			err = errors.Join(err, r.Ledger.Yield(context.WithoutCancel(ctx), charge.ID, r.owner, began && !r.stopped(ctx, err)))
		}
	}()
	pace := sync.OnceFunc(func() { r.pace(charge) })
	defer pace() // when a run fails, too, and even if it panics, depends on rows
	giveBack, err := r.runs.Take(waiting, turns.Asking(ctx))
	if err != nil {
		return Redeemed{}, question.Busy()
	}
	began = true
	limited, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	core, ran, err := r.computed(limited, charge, prep, giveBack)
	if err != nil {
		return Redeemed{}, err
	}
	pace()
	return r.store(context.WithoutCancel(ctx), charge, ran, core) // the time limit is that of the run, not of its storage
}
