// Package filtertest says by sums over all debits what a balance must admit, for tests
// of balances and of the ledger that stores them. It shares no arithmetic with
// [filter.Balance] but the beginning of a window, which has tests of its own.
package filtertest

import (
	"math"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter"
)

// Instant reads a time as it is stored. It panics if there is none.
func Instant(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

// History is the independent view of a balance that its tests compare with:
// all debits with the time at which the account saw them, summed afresh at
// every question.
type History struct {
	Window   privacy.Window
	Limit    privacy.Cost
	Lifetime privacy.Cost
	Seen     int64
	Debits   []Debited
}

// Debited is one debit.
type Debited struct {
	Cost privacy.Cost
	Seen int64
}

// Since sums what was debited at or after an instant.
func (h *History) Since(start int64) (sum privacy.Cost) {
	for _, d := range h.Debits {
		if d.Seen >= start {
			sum = sum.Add(d.Cost)
		}
	}
	return sum
}

// Debit records a cost if both sums stay within their rectangles.
func (h *History) Debit(now int64, c privacy.Cost) bool {
	seen := max(h.Seen, now)
	if !h.Since(filter.WindowStart(h.Window, seen)).Add(c).Within(h.Limit) || !h.Since(math.MinInt64).Add(c).Within(h.Lifetime) {
		return false
	}
	h.Seen = seen
	h.Debits = append(h.Debits, Debited{c, seen})
	return true
}

// Rebudget moves the limit and the window.
func (h *History) Rebudget(now int64, limit privacy.Cost, w privacy.Window) {
	h.Seen = max(h.Seen, now)
	h.Limit, h.Window = limit, w
}

// Windows are all that there are.
func Windows() []privacy.Window {
	return []privacy.Window{privacy.WindowNone, privacy.WindowDay, privacy.WindowWeek, privacy.WindowMonth}
}

// DrawClock moves a clock by up to 40 days, mostly forward, or leaves it.
func DrawClock(t *rapid.T, now int64) int64 {
	hours := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 30), rapid.IntRange(-960, 960)).Draw(t, "hours")
	return now + int64(hours)*3_600_000_000 + rapid.Int64Range(0, 999_999).Draw(t, "µs")
}
