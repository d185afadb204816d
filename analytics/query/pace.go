package query

import (
	"errors"

	"github.com/noised/noised/privacy"
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
