package verify

import "github.com/noised/noised/privacy"

// account is one account as the leaves tell of it.
type account struct {
	name     string
	children []*account // its accounts per period

	window    privacy.Window
	cap, life loss // as set
	limit     privacy.Cost
	lifetime  privacy.Cost
	spent     privacy.Cost // in the window that holds seen
	total     privacy.Cost
	seen      int64

	days []day // what was debited, by day of the account's own time
}

// day is what an account was debited on one day. Every window begins at a
// midnight, so that days are all that is needed of the past.
type day struct {
	start int64
	cost  privacy.Cost
}

// at moves the account's own time, which does not run backwards, and begins
// another window where one began.
func (a *account) at(now int64) {
	if now <= a.seen {
		return
	}
	if windowStart(a.window, now) > windowStart(a.window, a.seen) {
		a.spent = privacy.Cost{}
	}
	a.seen = now
}

// debit spends a cost. It reports whether the account admits it.
func (a *account) debit(c privacy.Cost) bool {
	a.spent, a.total = a.spent.Add(c), a.total.Add(c)
	start := windowStart(privacy.WindowDay, a.seen)
	if n := len(a.days); n == 0 || a.days[n-1].start != start {
		a.days = append(a.days, day{start: start})
	}
	last := &a.days[len(a.days)-1]
	last.cost = last.cost.Add(c)
	return a.spent.Within(a.limit) && a.total.Within(a.lifetime)
}

// move gives the account another cap and window, and its accounts per period the
// same.
func (a *account) move(b budgetLeaf, now int64) {
	a.at(now)
	if a.window != b.Window {
		a.window, a.spent = b.Window, privacy.Cost{}
		start := windowStart(b.Window, a.seen)
		for _, d := range a.days {
			if d.start >= start {
				a.spent = a.spent.Add(d.cost)
			}
		}
	}
	a.limit, a.cap = b.CapLimit, *b.Cap
	for _, c := range a.children {
		c.move(b, now)
	}
}
