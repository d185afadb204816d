package filter_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter"
	"github.com/noised/noised/privacy/ledger/filter/filtertest"
)

func TestDebitAdmitsTheRectangleAndNothingBeyond(t *testing.T) {
	cost := func(mu2, delta int64) privacy.Cost { return privacy.Cost{Mu2: mu2, Delta: delta} }
	b := filter.Balance{Limit: cost(10, 100), Lifetime: cost(15, 300), Spent: cost(4, 40), Total: cost(9, 90)}
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
			after, ok := b.Debit(tt.cost)
			if ok != tt.ok {
				t.Fatalf("admitted: %v, want %v", ok, tt.ok)
			}
			want := b
			if ok {
				want.Spent, want.Total = b.Spent.Add(tt.cost), b.Total.Add(tt.cost)
			}
			if after != want {
				t.Errorf("after: %+v, want %+v", after, want)
			}
		})
	}
	full := filter.Balance{Limit: cost(10, 100), Lifetime: cost(15, 300), Total: cost(9, 290)}
	if _, ok := full.Debit(cost(7, 0)); ok {
		t.Error("a fresh window raised the lifetime ceiling")
	}
	if got := full.Remaining(); got != cost(6, 10) {
		t.Errorf("remaining = %+v, want what the lifetime leaves", got)
	}
	lowered := filter.Balance{Limit: cost(3, 3), Lifetime: cost(15, 300), Spent: cost(4, 40), Total: cost(9, 90)}
	if got := lowered.Remaining(); got != cost(0, 0) {
		t.Errorf("remaining = %+v under a cap below what is spent, want nothing", got)
	}
}

func TestTimeRunsForwardOnly(t *testing.T) {
	monday, tuesday := filtertest.Instant("2026-03-02T09:00:00Z"), filtertest.Instant("2026-03-03T09:00:00Z")
	b := filter.Balance{Window: privacy.WindowDay, Limit: privacy.Cost{Mu2: 10}, Lifetime: privacy.Cost{Mu2: 100}, Seen: monday}
	b, _ = b.Debit(privacy.Cost{Mu2: 10})
	if got := b.At(monday + 1).Remaining().Mu2; got != 0 {
		t.Errorf("%d left on the same day", got)
	}
	next := b.At(tuesday)
	if next.Remaining().Mu2 != 10 || next.Total.Mu2 != 10 {
		t.Errorf("the next day has %+v", next)
	}
	next, _ = next.Debit(privacy.Cost{Mu2: 10})
	for _, at := range []int64{monday, math.MinInt64, tuesday - 1} {
		if got := next.At(at); got != next {
			t.Errorf("setting the clock back gave %+v", got)
		}
	}
}

func TestReopening(t *testing.T) {
	now := filtertest.Instant("2026-03-04T09:00:00Z")
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
			b := filter.Balance{Window: tt.window, Limit: privacy.Cost{Mu2: 10}, Lifetime: privacy.Cost{Mu2: tt.lifetime},
				Spent: privacy.Cost{Mu2: 10}, Total: privacy.Cost{Mu2: tt.total}, Seen: now}
			at, ok := b.Reopens(privacy.Cost{Mu2: tt.cost})
			if ok != (tt.want != "") || (ok && at != filtertest.Instant(tt.want)) {
				t.Errorf("reopens at %s, %v; want %q", time.UnixMicro(at).UTC(), ok, tt.want)
			}
		})
	}
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
		now := filtertest.Instant("2026-02-26T22:00:00Z")
		lifetime, limit := draw(t, "lifetime", 200), draw(t, "limit", 60)
		w := rapid.SampledFrom(filtertest.Windows()).Draw(t, "window")
		b := filter.Balance{Window: w, Limit: limit, Lifetime: lifetime, Seen: now}
		h := &filtertest.History{Window: w, Limit: limit, Lifetime: lifetime, Seen: now}
		t.Repeat(map[string]func(*rapid.T){
			"debit": func(t *rapid.T) {
				c := draw(t, "cost", 25)
				after, ok := b.At(now).Debit(c)
				if want := h.Debit(now, c); ok != want {
					t.Fatalf("admitted: %v, by the sum of all debits %v", ok, want)
				}
				if ok {
					b = after
				}
			},
			"rebudget": func(t *rapid.T) {
				limit, w := draw(t, "limit", 60), rapid.SampledFrom(filtertest.Windows()).Draw(t, "window")
				b = b.At(now).Rebudget(limit, w, h.Since)
				h.Rebudget(now, limit, w)
			},
			"clock": func(t *rapid.T) { now = filtertest.DrawClock(t, now) },
			"": func(t *rapid.T) {
				if !b.Total.Within(lifetime) || b.Total != h.Since(math.MinInt64) {
					t.Fatalf("total %+v, debits %+v, lifetime %+v", b.Total, h.Since(math.MinInt64), lifetime)
				}
				at := b.At(now)
				if _, ok := at.Debit(at.Remaining()); !ok && at.Spent.Within(at.Limit) {
					t.Fatal("what remains is not admitted")
				}
			},
		})
	})
}
