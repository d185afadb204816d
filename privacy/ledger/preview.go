package ledger

import (
	"context"
	"math"
	"time"

	"github.com/noised/noised/privacy"
)

// Preview returns what a request would do to each account, debiting nothing.
// It reads committed state, so a charge that follows may find less.
func (l *Ledger) Preview(ctx context.Context, r Request) ([]Preview, error) {
	r, err := r.normal()
	if err != nil {
		return nil, err
	}
	b, err := readBook(ctx, l.db, l.now().UnixMicro(), r)
	if err != nil {
		return nil, err
	}
	t := b.touched(r)
	out := make([]Preview, 0, len(t.accounts)+len(t.missing))
	for _, a := range t.missing {
		out = append(out, Preview{Account: a, Cost: r.Cost, Exhausted: true})
	}
	left := lossesLeft{}
	for _, a := range t.accounts {
		out = append(out, left.preview(a, r.Cost))
	}
	return out, nil
}

// standing is all that what an account has left in (ε, δ) depends on.
type standing struct {
	spent, total privacy.Cost
	cap, ceiling privacy.Loss
}

// lossesLeft has what was computed for one preview. The conversion to ε is a
// search, and most tenants have the same caps and were asked the same.
type lossesLeft map[standing]privacy.Loss

func (l lossesLeft) of(s State) privacy.Loss {
	key := standing{s.Spent, s.SpentLifetime, s.Cap, s.Lifetime}
	loss, known := l[key]
	if !known {
		loss = s.RemainingLoss()
		l[key] = loss
	}
	return loss
}

// preview tells what a cost would do to one account.
func (l lossesLeft) preview(a *row, cost privacy.Cost) Preview {
	p := Preview{Account: a.account, Cost: cost}
	after, ok := a.Debit(cost)
	if !ok {
		p.Exhausted = true
		if at, reopening := a.Reopens(cost); reopening {
			p.ReopensAt = time.UnixMicro(at).UTC()
		}
	}
	a.Balance = after
	s := a.state(a.Seen)
	p.RemainingAfter, p.RemainingLossAfter = s.Remaining, l.of(s)
	if ok {
		p.QueriesLeft = times(s.Remaining, cost)
	}
	return p
}

// times returns how often a cost fits into what is left: the largest n with
// n·cost within left in both parts.
func times(left, cost privacy.Cost) int64 {
	n := int64(math.MaxInt64)
	if cost.Mu2 > 0 {
		n = min(n, left.Mu2/cost.Mu2)
	}
	if cost.Delta > 0 {
		n = min(n, left.Delta/cost.Delta)
	}
	return n
}
