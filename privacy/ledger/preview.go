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
	for _, a := range t.accounts {
		out = append(out, preview(a, r.Cost))
	}
	return out, nil
}

// preview tells what a cost would do to one account.
func preview(a *row, cost privacy.Cost) Preview {
	p := Preview{Account: a.account, Cost: cost}
	after, ok := a.debit(cost)
	if !ok {
		p.Exhausted = true
		if at, reopening := a.reopens(cost); reopening {
			p.ReopensAt = time.UnixMicro(at).UTC()
		}
	}
	a.balance = after
	s := a.state(a.seen)
	p.RemainingAfter, p.RemainingLossAfter = s.Remaining, s.RemainingLoss()
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
