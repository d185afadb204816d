package ledger

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter/filtertest"
)

// scheduled counts the windows that begin between two instants, and the one that
// holds the first. It computes with whole days and months, not with windowStart.
func scheduled(w privacy.Window, from, to time.Time) int64 {
	day := func(t time.Time) int64 { return t.Unix() / 86_400 }
	switch w {
	case privacy.WindowDay:
		return day(to) - day(from) + 1
	case privacy.WindowWeek:
		return (day(to)+3)/7 - (day(from)+3)/7 + 1 // 1970 began on a Thursday
	case privacy.WindowMonth:
		return int64(to.Year()-from.Year())*12 + int64(to.Month()-from.Month()) + 1
	default:
		return 1
	}
}

// TestNoClockRefillsMoreThanScheduled: whatever the clock does, up to ten years
// in both directions and across restarts, an account admits at most one cap for
// each window up to the furthest time that was seen, and never more than its
// ceiling. That holds for accounts that open on the way too: of periods, of
// principals and of groups.
func TestNoClockRefillsMoreThanScheduled(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t)
		w := rapid.SampledFrom(filtertest.Windows()).Draw(rt, "window")
		limit := privacy.Loss{Epsilon: 0.5, Delta: 1e-7}
		lifetime := privacy.Loss{Epsilon: rapid.SampledFrom([]float64{0.5, 1, 20}).Draw(rt, "lifetime"), Delta: 1e-3}
		f.set(t, Budget{Cap: limit, Window: w, Lifetime: &lifetime}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
		for _, kind := range []privacy.AccountKind{privacy.AccountTenantGroup, privacy.AccountTenantPrincipal} {
			if err := f.SetDefault(t.Context(), kind, "a", &lifetime, admin); err != nil {
				t.Fatal(err)
			}
		}
		start := f.clock.now().UTC()
		furthest := start
		admitted := map[privacy.Account]privacy.Cost{}
		const tenYears = 3653 * 24
		for step := range rapid.IntRange(1, 14).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "act") {
			case 0: // anywhere
				f.clock.set(start.Add(time.Duration(rapid.IntRange(-tenYears, tenYears).Draw(rt, "hours")) * time.Hour).UnixMicro())
			case 1: // around the furthest
				f.clock.set(furthest.Add(time.Duration(rapid.IntRange(-72, 72).Draw(rt, "near")) * time.Hour).UnixMicro())
			case 2:
				if step%4 == 0 {
					f = f.reopen(t)
				}
			}
			r := ask(fmt.Sprint("q", step), rapid.SampledFrom([]int64{1, 2, 3}).Draw(rt, "part")*privacy.CapOf(limit).Mu2/3)
			r.DatasetAccount, r.Group = true, rapid.SampledFrom([]string{"", "g"}).Draw(rt, "group")
			if rapid.Bool().Draw(rt, "of periods") {
				r.Periods = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"2026-01-01", "2026-02-01", "other"}), 1, 3, rapid.ID).Draw(rt, "periods")
			}
			if now := f.clock.now().UTC(); now.After(furthest) {
				furthest = now
			}
			_, err := f.Charge(t.Context(), r)
			if err != nil {
				refusal(t, err)
				continue
			}
			for _, a := range r.required() {
				admitted[a] = admitted[a].Add(r.Cost)
			}
		}
		once, ceiling := privacy.CapOf(limit), privacy.CapOf(lifetime)
		n := scheduled(w, start, furthest)
		for a, cost := range admitted {
			if !cost.Within(privacy.Cost{Mu2: min(n*once.Mu2, ceiling.Mu2), Delta: min(n*once.Delta, ceiling.Delta)}) {
				rt.Fatalf("%s admitted %+v; %d windows of %+v were scheduled under a ceiling of %+v", a, cost, n, once, ceiling)
			}
		}
		f.audit(t)
	})
}

// TestAJumpOfTheClockAndBackGainsOneWindow: ten years forward refill a day once,
// not 3,652 times, and coming back refills nothing for as long.
func TestAJumpOfTheClockAndBackGainsOneWindow(t *testing.T) {
	for _, w := range filtertest.Windows() {
		t.Run(string(w), func(t *testing.T) {
			f := newFixture(t)
			lifetime := privacy.Loss{Epsilon: 10, Delta: 1e-5}
			f.set(t, Budget{Cap: small, Window: w, Lifetime: &lifetime}, privacy.TenantAccount("a"))
			whole := privacy.CapOf(small).Mu2
			start, admitted := f.clock.now(), 0
			for i, years := range []int{0, 10, 10, 0, -10, 5, 9, 0, 10} {
				f.clock.set(start.AddDate(years, 0, 0).UnixMicro())
				if i%2 == 1 {
					f = f.reopen(t)
				}
				if _, err := f.Charge(t.Context(), ask(fmt.Sprint(i), whole)); err == nil {
					admitted++
				} else {
					refusal(t, err)
				}
			}
			want := 2
			if w == privacy.WindowNone {
				want = 1
			}
			if admitted != want {
				t.Errorf("%d caps were spent, want %d", admitted, want)
			}
		})
	}
}
