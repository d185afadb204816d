package ledger

import (
	"math"

	"github.com/noised/noised/privacy"
)

// balance is the part of an account that decides. It is a value: every step
// returns a new one, and nothing here reads a clock or a database.
//
// Invariants, for every sequence of steps:
//
//	total ≤ lifetime, which no step changes
//	spent ≤ total
//	after a debit, spent ≤ limit
//	seen never decreases
type balance struct {
	window   privacy.Window
	limit    privacy.Cost // of one window
	lifetime privacy.Cost // of the account
	spent    privacy.Cost // in the window that holds seen
	total    privacy.Cost // ever
	seen     int64        // latest instant at which the account was looked at
}

// at returns the balance as it is at an instant: what was spent in an earlier
// window no longer counts against the limit. The account's own time does not
// run backwards, so setting the clock back refills nothing, and setting it
// forward and back again gains at most the window that it reached.
func (b balance) at(now int64) balance {
	if now <= b.seen {
		return b
	}
	if windowStart(b.window, now) > windowStart(b.window, b.seen) {
		b.spent = privacy.Cost{}
	}
	b.seen = now
	return b
}

// admits reports whether the window's limit and the lifetime ceiling leave room
// for a cost: both parts of both rectangles must hold. Addition saturates, so an
// overflow refuses.
func (b *balance) admits(c privacy.Cost) bool {
	return c.Mu2 >= 0 && c.Delta >= 0 && b.spent.Add(c).Within(b.limit) && b.total.Add(c).Within(b.lifetime)
}

// take spends a cost that the balance admits.
func (b *balance) take(c privacy.Cost) { b.spent, b.total = b.spent.Add(c), b.total.Add(c) }

// debit returns the balance after a cost, or false when it does not admit it.
func (b balance) debit(c privacy.Cost) (balance, bool) {
	if !b.admits(c) {
		return b, false
	}
	b.take(c)
	return b, true
}

// remaining returns the largest cost that debit admits, part by part.
func (b balance) remaining() privacy.Cost {
	return lesser(left(b.limit, b.spent), left(b.lifetime, b.total))
}

// reopens returns the instant at which the next window could admit a cost that
// this one refuses, and false when no window ever will.
func (b balance) reopens(c privacy.Cost) (int64, bool) {
	_, ok := balance{limit: b.limit, lifetime: b.lifetime, total: b.total}.debit(c)
	end := windowEnd(b.window, b.seen)
	return end, ok && end != math.MaxInt64
}

// rebudget moves the limit and the window below the lifetime ceiling.
// spentSince says what was debited at or after an instant of the account's own
// time; it is asked when the window changes, so that going to another kind of
// window and back forgets nothing.
func (b balance) rebudget(limit privacy.Cost, w privacy.Window, spentSince func(int64) privacy.Cost) balance {
	if w != b.window {
		b.window, b.spent = w, spentSince(windowStart(w, b.seen))
	}
	b.limit = limit
	return b
}

func left(limit, spent privacy.Cost) privacy.Cost {
	// Not below zero: a limit may be set below what is already spent.
	return privacy.Cost{Mu2: max(0, limit.Mu2-spent.Mu2), Delta: max(0, limit.Delta-spent.Delta)}
}

func lesser(a, b privacy.Cost) privacy.Cost {
	return privacy.Cost{Mu2: min(a.Mu2, b.Mu2), Delta: min(a.Delta, b.Delta)}
}
