package ledger

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

func instant(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func TestWindowsBeginAtMidnightUTC(t *testing.T) {
	tests := []struct{ window, at, start, end string }{
		{"day", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"day", "2026-03-01T23:59:59.999999Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"day", "2026-03-29T03:30:00+02:00", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"}, // summer time begins in Berlin
		{"day", "2026-03-02T00:30:00+01:00", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"week", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"}, // a Monday
		{"week", "2026-03-08T23:59:59.999999Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"},
		{"week", "2026-01-01T12:00:00Z", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"},
		{"month", "2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"month", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		{"month", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"day", "1969-12-31T23:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"week", "1969-12-31T23:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.window+" "+tt.at, func(t *testing.T) {
			w, at := privacy.Window(tt.window), instant(tt.at)
			if got := windowStart(w, at); got != instant(tt.start) {
				t.Errorf("starts %s, want %s", time.UnixMicro(got).UTC(), tt.start)
			}
			if got := windowEnd(w, at); got != instant(tt.end) {
				t.Errorf("ends %s, want %s", time.UnixMicro(got).UTC(), tt.end)
			}
		})
	}
	if windowStart(privacy.WindowNone, 0) != math.MinInt64 || windowEnd(privacy.WindowNone, 0) != math.MaxInt64 {
		t.Error("no window must have neither a start nor an end")
	}
}

func TestDebitAdmitsTheRectangleAndNothingBeyond(t *testing.T) {
	cost := func(mu2, delta int64) privacy.Cost { return privacy.Cost{Mu2: mu2, Delta: delta} }
	b := balance{limit: cost(10, 100), lifetime: cost(15, 300), spent: cost(4, 40), total: cost(9, 90)}
	tests := []struct {
		name string
		cost privacy.Cost
		ok   bool
	}{
		{"up to the corner", cost(6, 60), true},
		{"nothing", cost(0, 0), true},
		{"one unit of mu² beyond the window", cost(7, 0), false},
		{"one unit of delta beyond the window", cost(0, 61), false},
		{"a negative cost buys nothing back", cost(-1, 0), false},
		{"a negative delta buys nothing back", cost(0, -1), false},
		{"the largest integer does not wrap", cost(math.MaxInt64, math.MaxInt64), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, ok := b.debit(tt.cost)
			if ok != tt.ok {
				t.Fatalf("admitted: %v, want %v", ok, tt.ok)
			}
			want := b
			if ok {
				want.spent, want.total = b.spent.Add(tt.cost), b.total.Add(tt.cost)
			}
			if after != want {
				t.Errorf("after: %+v, want %+v", after, want)
			}
		})
	}
	full := balance{limit: cost(10, 100), lifetime: cost(15, 300), total: cost(9, 290)}
	if _, ok := full.debit(cost(7, 0)); ok {
		t.Error("a fresh window raised the lifetime ceiling")
	}
	if got := full.remaining(); got != cost(6, 10) {
		t.Errorf("remaining = %+v, want what the lifetime leaves", got)
	}
	lowered := balance{limit: cost(3, 3), lifetime: cost(15, 300), spent: cost(4, 40), total: cost(9, 90)}
	if got := lowered.remaining(); got != cost(0, 0) {
		t.Errorf("remaining = %+v under a cap below what is spent, want nothing", got)
	}
}

func TestTimeRunsForwardOnly(t *testing.T) {
	monday, tuesday := instant("2026-03-02T09:00:00Z"), instant("2026-03-03T09:00:00Z")
	b := balance{window: privacy.WindowDay, limit: privacy.Cost{Mu2: 10}, lifetime: privacy.Cost{Mu2: 100}, seen: monday}
	b, _ = b.debit(privacy.Cost{Mu2: 10})
	if got := b.at(monday + 1).remaining().Mu2; got != 0 {
		t.Errorf("%d left on the same day", got)
	}
	next := b.at(tuesday)
	if next.remaining().Mu2 != 10 || next.total.Mu2 != 10 {
		t.Errorf("the next day has %+v", next)
	}
	next, _ = next.debit(privacy.Cost{Mu2: 10})
	for _, at := range []int64{monday, math.MinInt64, tuesday - 1} {
		if got := next.at(at); got != next {
			t.Errorf("setting the clock back gave %+v", got)
		}
	}
}

func TestReopening(t *testing.T) {
	now := instant("2026-03-04T09:00:00Z")
	tests := []struct {
		name            string
		window          privacy.Window
		lifetime, total int64
		cost            int64
		want            string
	}{
		{"tomorrow", privacy.WindowDay, 100, 10, 10, "2026-03-05T00:00:00Z"},
		{"on Monday", privacy.WindowWeek, 100, 10, 10, "2026-03-09T00:00:00Z"},
		{"next month", privacy.WindowMonth, 100, 10, 10, "2026-04-01T00:00:00Z"},
		{"never: no window", privacy.WindowNone, 100, 10, 10, ""},
		{"never: more than any window", privacy.WindowDay, 100, 10, 11, ""},
		{"never: more than the lifetime leaves", privacy.WindowDay, 19, 10, 10, ""},
		{"never: the lifetime is over", privacy.WindowDay, 10, 10, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := balance{window: tt.window, limit: privacy.Cost{Mu2: 10}, lifetime: privacy.Cost{Mu2: tt.lifetime},
				spent: privacy.Cost{Mu2: 10}, total: privacy.Cost{Mu2: tt.total}, seen: now}
			at, ok := b.reopens(privacy.Cost{Mu2: tt.cost})
			if ok != (tt.want != "") || (ok && at != instant(tt.want)) {
				t.Errorf("reopens at %s, %v; want %q", time.UnixMicro(at).UTC(), ok, tt.want)
			}
		})
	}
}

// history is the independent view of a balance that its tests compare with:
// all debits with the time at which the account saw them, summed afresh at
// every question.
type history struct {
	window   privacy.Window
	limit    privacy.Cost
	lifetime privacy.Cost
	seen     int64
	debits   []debited
}

type debited struct {
	cost privacy.Cost
	seen int64
}

func (h *history) since(start int64) (sum privacy.Cost) {
	for _, d := range h.debits {
		if d.seen >= start {
			sum = sum.Add(d.cost)
		}
	}
	return sum
}

// debit records a cost if both sums stay within their rectangles.
func (h *history) debit(now int64, c privacy.Cost) bool {
	seen := max(h.seen, now)
	if !h.since(windowStart(h.window, seen)).Add(c).Within(h.limit) || !h.since(math.MinInt64).Add(c).Within(h.lifetime) {
		return false
	}
	h.seen = seen
	h.debits = append(h.debits, debited{c, seen})
	return true
}

func (h *history) rebudget(now int64, limit privacy.Cost, w privacy.Window) {
	h.seen = max(h.seen, now)
	h.limit, h.window = limit, w
}

var allWindows = []privacy.Window{privacy.WindowNone, privacy.WindowDay, privacy.WindowWeek, privacy.WindowMonth}

// drawClock moves a clock by up to 40 days, mostly forward, or leaves it.
func drawClock(t *rapid.T, now int64) int64 {
	hours := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 30), rapid.IntRange(-960, 960)).Draw(t, "hours")
	return now + int64(hours)*3_600_000_000 + rapid.Int64Range(0, 999_999).Draw(t, "µs")
}

// TestNoSequenceExceedsWindowOrLifetime: whatever the order of debits, budget
// changes and clock moves, exactly those debits are admitted that keep the sum
// of all debits of the window within its cap, and of all debits ever within the
// ceiling.
func TestNoSequenceExceedsWindowOrLifetime(t *testing.T) {
	draw := func(t *rapid.T, name string, max int64) privacy.Cost {
		return privacy.Cost{Mu2: rapid.Int64Range(0, max).Draw(t, name+" mu2"), Delta: rapid.Int64Range(0, max).Draw(t, name+" delta")}
	}
	rapid.Check(t, func(t *rapid.T) {
		now := instant("2026-02-26T22:00:00Z")
		lifetime, limit := draw(t, "lifetime", 200), draw(t, "limit", 60)
		w := rapid.SampledFrom(allWindows).Draw(t, "window")
		b := balance{window: w, limit: limit, lifetime: lifetime, seen: now}
		h := &history{window: w, limit: limit, lifetime: lifetime, seen: now}
		t.Repeat(map[string]func(*rapid.T){
			"debit": func(t *rapid.T) {
				c := draw(t, "cost", 25)
				after, ok := b.at(now).debit(c)
				if want := h.debit(now, c); ok != want {
					t.Fatalf("admitted: %v, by the sum of all debits %v", ok, want)
				}
				if ok {
					b = after
				}
			},
			"rebudget": func(t *rapid.T) {
				limit, w := draw(t, "limit", 60), rapid.SampledFrom(allWindows).Draw(t, "window")
				b = b.at(now).rebudget(limit, w, h.since)
				h.rebudget(now, limit, w)
			},
			"clock": func(t *rapid.T) { now = drawClock(t, now) },
			"": func(t *rapid.T) {
				if !b.total.Within(lifetime) || b.total != h.since(math.MinInt64) {
					t.Fatalf("total %+v, debits %+v, lifetime %+v", b.total, h.since(math.MinInt64), lifetime)
				}
				at := b.at(now)
				if _, ok := at.debit(at.remaining()); !ok && at.spent.Within(at.limit) {
					t.Fatal("what remains is not admitted")
				}
			},
		})
	})
}

func TestLeases(t *testing.T) {
	const now, ttl = 1_000_000, 5 * time.Microsecond
	held := func(attempts int, owner string, until int64) lease {
		return lease{StatePending, attempts, owner, until}
	}
	tests := []struct {
		name   string
		before lease
		owner  string
		after  lease
		ok     bool
	}{
		{"never held", held(0, "", 0), "a", held(1, "a", now+5), true},
		{"held by another", held(1, "b", now+1), "a", held(1, "b", now+1), false},
		{"ran out this instant", held(1, "b", now), "a", held(2, "a", now+5), true},
		{"held by oneself: another attempt", held(1, "a", now+1), "a", held(2, "a", now+5), true},
		{"the last attempt", held(MaxAttempts-1, "b", 0), "a", held(MaxAttempts, "a", now+5), true},
		{"one too many abandons", held(MaxAttempts, "b", now), "a", lease{StateAbandoned, MaxAttempts, "", 0}, false},
		{"the last attempt still runs", held(MaxAttempts, "b", now+1), "a", held(MaxAttempts, "b", now+1), false},
		{"released", lease{StateReleased, 1, "", 0}, "a", lease{StateReleased, 1, "", 0}, false},
		{"abandoned", lease{StateAbandoned, 8, "", 0}, "a", lease{StateAbandoned, 8, "", 0}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, ok := tt.before.acquire(tt.owner, now, ttl)
			if after != tt.after || ok != tt.ok {
				t.Errorf("got %+v, %v; want %+v, %v", after, ok, tt.after, tt.ok)
			}
		})
	}
}

func TestReports(t *testing.T) {
	limit := privacy.Loss{Epsilon: 3, Delta: 1e-6}
	wide := privacy.Loss{Epsilon: 10, Delta: 1e-5}
	corner := privacy.CapOf(limit)
	tests := []struct {
		name             string
		state            State
		spent, remaining privacy.Loss
	}{
		{"nothing spent", State{Cap: limit, Lifetime: limit}, privacy.Loss{}, limit},
		{"all spent", State{Cap: limit, Lifetime: limit, Spent: corner, SpentLifetime: corner}, limit, privacy.Loss{}},
		{"spent in another window", State{Cap: limit, Lifetime: wide, SpentLifetime: corner}, privacy.Loss{}, privacy.Loss{Epsilon: 3, Delta: 9e-7}},
		{"the lifetime is over", State{Cap: limit, Lifetime: wide, SpentLifetime: privacy.CapOf(wide)}, privacy.Loss{}, privacy.Loss{}},
		{"selection only", State{Cap: limit, Lifetime: limit, Spent: privacy.Cost{Delta: corner.Delta}, SpentLifetime: privacy.Cost{Delta: corner.Delta}},
			privacy.Loss{Delta: 1e-7}, privacy.Loss{Epsilon: 3, Delta: 9e-7}},
		{"a cap lowered below what is spent", State{Cap: limit, Lifetime: wide, Spent: privacy.CapOf(wide), SpentLifetime: privacy.CapOf(wide)},
			privacy.Loss{Epsilon: privacy.SpentEpsilon(privacy.CapOf(wide), limit), Delta: 1.9e-6}, privacy.Loss{}},
	}
	near := func(a, b privacy.Loss) bool {
		return math.Abs(a.Epsilon-b.Epsilon) < 1e-6 && math.Abs(a.Delta-b.Delta) < 1e-12
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.state.SpentLoss(); !near(got, tt.spent) {
				t.Errorf("spent %+v, want %+v", got, tt.spent)
			}
			if got := tt.state.RemainingLoss(); !near(got, tt.remaining) {
				t.Errorf("remaining %+v, want %+v", got, tt.remaining)
			}
		})
	}
}

func TestExhaustedNamesAccountsForTheLog(t *testing.T) {
	e := &Exhausted{Accounts: []privacy.Account{privacy.TenantAccount("a"), privacy.DatasetAccount("d")}}
	if got, want := fmt.Sprint(e), "exhausted: tenant:a, dataset:d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
