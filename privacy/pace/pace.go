// Package pace makes effects happen at times that do not depend on data.
//
// How long a query runs depends on rows: one person with very many of them
// makes it longer. Whoever can see when an effect happens (an answer leaves, a
// release can be listed) sees the run time. So effects are held back to the next
// boundary of a grid of slots that starts at an event the observer knows anyway,
// such as the arrival of the request. What is left to see is in which slot the
// effect fell: nothing at all for runs that fit into the first one, and else
// about log2(n) bits of n slots. That is a defence by rounding; it has no ε.
//
// Two things would undermine it. An effect that is ready just before its boundary
// still has work to do at it, and is late by as much; therefore the last Guard of
// a slot is closed, and what becomes ready then waits for the next boundary. And
// a machine that was busy a moment ago wakes up faster than an idle one;
// therefore Wait sleeps twice, and the second sleep is as long for everybody.
package pace

import "time"

// The shortest and longest slot. A shorter one is within the scheduler's own
// jitter; a longer one makes callers give up.
const (
	MinSlot = 10 * time.Millisecond
	MaxSlot = 10 * time.Second
)

// maxGuard is the longest that the end of a slot is closed.
const maxGuard = 5 * time.Millisecond

// Guard returns how much of the end of a slot is closed to effects that become
// ready in it.
func Guard(slot time.Duration) time.Duration { return min(slot/4, maxGuard) }

// Left returns how long to wait, a time of elapsed after the grid's start, for
// the first boundary that can still be met. Boundaries are at k·slot, k ≥ 1; one
// can be met until Guard before it. A negative elapsed, as from a clock that was
// set back, counts as zero: nobody waits longer than a slot and its guard.
//
// A slot of zero or less is no grid: there is nothing to wait for.
func Left(elapsed, slot time.Duration) time.Duration {
	if slot <= 0 {
		return 0
	}
	elapsed = max(elapsed, 0)
	in := elapsed % slot // of the present slot
	left := slot - in
	if left < Guard(slot) {
		left += slot
	}
	return left
}

// Wait returns when d has passed, or when gone is closed. It sleeps to the last
// closed part of a slot and then through it, so that what the process did
// before cannot be told from how fast it wakes up at the end.
func Wait(d, slot time.Duration, gone <-chan struct{}) {
	if d <= 0 {
		return
	}
	until := time.Now().Add(d) // on the machine's clock, which timers follow
	for _, at := range []time.Time{until.Add(-Guard(slot)), until} {
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
		case <-gone:
			timer.Stop()
			return
		}
	}
}
