package filter

import (
	"math"

	"github.com/noised/noised/privacy"
)

// Balance is the part of an account that decides. It is a value: every step
// returns a new one, and nothing here reads a clock or a database.
//
// Invariants, for every sequence of steps:
//
//	Total ≤ Lifetime, which no step changes
//	Spent ≤ Total
//	after a debit, Spent ≤ Limit
//	Seen never decreases
type Balance struct {
	Window   privacy.Window
	Limit    privacy.Cost // of one window
	Lifetime privacy.Cost // of the account
	Spent    privacy.Cost // in the window that holds Seen
	Total    privacy.Cost // ever
	Seen     int64        // latest instant at which the account was looked at
}

// At returns the balance as it is at an instant: what was spent in an earlier
// window no longer counts against the limit. The account's own time does not
// run backwards, so setting the clock back refills nothing, and setting it
// forward and back again gains at most the window that it reached.
func (b Balance) At(now int64) Balance {
	if now <= b.Seen {
		return b
	}
	if WindowStart(b.Window, now) > WindowStart(b.Window, b.Seen) {
		b.Spent = privacy.Cost{}
	}
	b.Seen = now
	return b
}

// Admits reports whether the window's limit and the lifetime ceiling leave room
// for a cost: both parts of both rectangles must hold. Addition saturates, so an
// overflow refuses.
func (b *Balance) Admits(c privacy.Cost) bool {
	return c.Mu2 >= 0 && c.Delta >= 0 && b.Spent.Add(c).Within(b.Limit) && b.Total.Add(c).Within(b.Lifetime)
}

// Take spends a cost that the balance admits.
func (b *Balance) Take(c privacy.Cost) { b.Spent, b.Total = b.Spent.Add(c), b.Total.Add(c) }

// Debit returns the balance after a cost, or false when it does not admit it.
func (b Balance) Debit(c privacy.Cost) (Balance, bool) {
	if !b.Admits(c) {
		return b, false
	}
	b.Take(c)
	return b, true
}

// Remaining returns the largest cost that Debit admits, part by part.
func (b Balance) Remaining() privacy.Cost {
	return lesser(left(b.Limit, b.Spent), left(b.Lifetime, b.Total))
}

// RemainingLifetime returns what the lifetime ceiling leaves.
func (b Balance) RemainingLifetime() privacy.Cost { return left(b.Lifetime, b.Total) }

// Reopens returns the instant at which the next window could admit a cost that
// this one refuses, and false when no window ever will.
func (b Balance) Reopens(c privacy.Cost) (int64, bool) {
	_, ok := Balance{Limit: b.Limit, Lifetime: b.Lifetime, Total: b.Total}.Debit(c)
	end := windowEnd(b.Window, b.Seen)
	return end, ok && end != math.MaxInt64
}

// Rebudget moves the limit and the window below the lifetime ceiling.
// spentSince says what was debited at or after an instant of the account's own
// time; it is asked when the window changes, so that going to another kind of
// window and back forgets nothing.
func (b Balance) Rebudget(limit privacy.Cost, w privacy.Window, spentSince func(int64) privacy.Cost) Balance {
	if w != b.Window {
		b.Window, b.Spent = w, spentSince(WindowStart(w, b.Seen))
	}
	b.Limit = limit
	return b
}

func left(limit, spent privacy.Cost) privacy.Cost {
	// Not below zero: a limit may be set below what is already spent.
	return privacy.Cost{Mu2: max(0, limit.Mu2-spent.Mu2), Delta: max(0, limit.Delta-spent.Delta)}
}

func lesser(a, b privacy.Cost) privacy.Cost {
	return privacy.Cost{Mu2: min(a.Mu2, b.Mu2), Delta: min(a.Delta, b.Delta)}
}
