package redeem

import (
	"context"
	"time"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

const (
	// LeaseTTL is how long a process that died holds up the charges that it was
	// redeeming. A live one renews its leases.
	LeaseTTL = 5 * time.Second
	// pollEvery is how often a process looks for the release of a charge that
	// another process is redeeming.
	pollEvery = 10 * time.Millisecond
)

// lease takes the lease of a charge. Where another process holds it, lease waits
// until the charge has its release or that lease may have lapsed, and returns
// false: look again. A charge that is neither pending nor released was abandoned
// and never will have a release.
func (r *Redeemer) lease(ctx context.Context, charge ledger.Charge) (mine bool, err error) {
	mine, err = r.Ledger.Acquire(ctx, charge.ID, r.owner, LeaseTTL)
	if err != nil || mine {
		return mine, err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for range LeaseTTL / pollEvery / 5 {
		if _, live, err := r.Ledger.Lookup(ctx, charge.Key); err != nil {
			return false, err
		} else if !live {
			return false, ErrAbandoned
		}
		if _, stored, err := r.Store.ByKey(ctx, charge.Key); err != nil || stored {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-tick.C:
		}
	}
	return false, nil
}

// keepLease renews the lease of a charge until the function that it returns is
// called. A renewal that fails lets the lease lapse, which costs a second run
// at worst: only one release redeems the charge.
func (r *Redeemer) keepLease(ctx context.Context, charge ledger.Charge) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(LeaseTTL / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := r.Ledger.Renew(ctx, charge.ID, r.owner, LeaseTTL); err != nil && ctx.Err() == nil {
					r.Log.Warn("a lease could not be renewed", "charge", charge.ID, "code", privacy.CodeOf(err))
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// inTime says that the time is up where a look at the store failed because it
// is. Nothing private was read there, so the caller may know that asking again
// will do.
func inTime(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return question.Busy()
	}
	return err
}
