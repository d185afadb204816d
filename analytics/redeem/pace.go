package redeem

import (
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/pace"
)

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
func (r *Redeemer) pace(charge ledger.Charge) {
	elapsed := r.Now().Sub(charge.At) + r.Slot/2
	pace.Wait(pace.Left(elapsed, r.Slot), r.Slot, nil)
}
