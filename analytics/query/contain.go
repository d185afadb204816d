package query

import (
	"context"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
)

// touches is what must not be suspended for a question to be answered.
func (p *prepared) touches() containment.Touches {
	return containment.Touches{Principal: p.asker, Dataset: p.dataset.Name, Tenants: p.priced.Plan.Tenants}
}

// errStopped answers a question that was charged and then stopped. It says the same
// however far its run had come.
func errStopped() error {
	return privacy.Errorf(privacy.CodeSuspended, "what this question touches was suspended; its charge stands, and once that is lifted the same question is answered for it")
}

// contained redeems a charge unless something that the question touches is
// suspended, or is before its release is stored.
//
// Whether a run ends before a suspension depends on how long it takes, and so on
// rows. What it led to is held back to a boundary of slots in any case (see pace),
// and what is said then depends on the suspension alone: a run that failed by
// itself in the same slot is answered as one that was stopped.
func (s *Service) contained(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Core, error) {
	tracked, done, err := s.Containment.Track(ctx, prep.touches())
	if containment.Is(err) {
		return release.Core{}, errStopped()
	}
	if err != nil {
		return release.Core{}, err
	}
	defer done()
	core, err := s.redeemSafely(tracked, charge, prep)
	if err != nil && (s.stopped(tracked, err) || containment.Is(s.Containment.Check(context.WithoutCancel(ctx), prep.touches()))) {
		return release.Core{}, errStopped()
	}
	return core, err
}

// stopped reports whether a run failed because of a suspension. It then counts as
// no attempt: a charge must not be abandoned for it.
func (s *Service) stopped(ctx context.Context, err error) bool {
	return containment.Is(err) || containment.Is(context.Cause(ctx))
}
