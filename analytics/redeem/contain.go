package redeem

import (
	"context"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
)

// errStopped answers a question that was charged and then stopped. It says the same
// however far its run had come.
func errStopped() error {
	return privacy.Errorf(privacy.CodeSuspended, "what this question touches was suspended; its charge stands, and once that is lifted the same question is answered for it")
}

// errDeleted answers a question that was charged before its dataset was deleted, and
// not answered. It says the same however far its run had come.
func errDeleted() error {
	return privacy.Errorf(privacy.CodeSuspended, "the dataset of this question was deleted; its charge stands, and there will be no answer")
}

// refused is errStopped or errDeleted, as the dataset is suspended or no more.
func (r *Redeemer) refused(prep *question.Prepared) error {
	if r.Containment.Deleted(prep.Dataset.Name) {
		return errDeleted()
	}
	return errStopped()
}

// contained redeems a charge unless something that the question touches is
// suspended, or is before its release is stored.
//
// Whether a run ends before a suspension depends on how long it takes, and so on
// rows. What it led to is held back to a boundary of slots in any case (see pace),
// and what is said then depends on the suspension alone: a run that failed by
// itself in the same slot is answered as one that was stopped.
func (r *Redeemer) contained(ctx context.Context, charge ledger.Charge, prep *question.Prepared, leased bool) (Redeemed, error) {
	tracked, done, err := r.Containment.Track(ctx, prep.Touches())
	if containment.Is(err) {
		return Redeemed{}, r.refused(prep)
	}
	if err != nil {
		return Redeemed{}, err
	}
	defer done()
	core, err := r.redeemSafely(tracked, charge, prep, leased)
	if err != nil && (r.stopped(tracked, err) || containment.Is(r.Containment.Check(context.WithoutCancel(ctx), prep.Touches()))) {
		return Redeemed{}, r.refused(prep)
	}
	return core, err
}

// stopped reports whether a run failed because of a suspension. It then counts as
// no attempt: a charge must not be abandoned for it.
func (r *Redeemer) stopped(ctx context.Context, err error) bool {
	return containment.Is(err) || containment.Is(context.Cause(ctx))
}
