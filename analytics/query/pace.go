package query

import (
	"errors"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/pace"
)

// unpaid marks a refusal that was decided before the question touched a charge.
type unpaid struct{ error }

// Unwrap returns the refusal.
func (u unpaid) Unwrap() error { return u.error }

// Unpaid reports whether an error of Query was decided from contracts,
// parameters and budgets alone, before a charge was made or found. When such an
// error leaves tells nothing about rows. Of every other error, and of every
// answer, it may.
func Unpaid(err error) bool { return errors.As(err, new(unpaid)) }

// Refusal marks err as decided before any charge. A failure of the service
// itself is left unmarked: nobody need know at which step it happened.
func Refusal(err error) error {
	switch privacy.CodeOf(err) {
	case "", privacy.CodeInternal, privacy.CodeUnavailable:
		return err
	default:
		return unpaid{err}
	}
}

// pace holds what a run led to back until a time that does not depend on rows.
// From the moment that it is stored, a release can be listed, its charge shows as
// released, and whoever asks the same gets it; so storing it on a grid that starts
// at the charge hides how long the run took from all of them at once. A run that
// failed is held back likewise: everybody who waits for it hears of it then, and
// the slots of many callers, each on the grid of its own request, would together
// tell the time much finer than one slot does.
//
// Boundaries lie half a slot off the charge, so that a release that is stored at
// one of them can leave with the slot of the request, which came before the
// charge.
func (s *Service) pace(charge ledger.Charge) {
	elapsed := s.Now().Sub(charge.At) + s.ResponseSlot/2
	pace.Wait(pace.Left(elapsed, s.ResponseSlot), s.ResponseSlot, nil)
}
