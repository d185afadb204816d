package question

import (
	"context"

	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/privacy"
)

// lossFor returns the loss that a question asks for: as it says, or the least
// with which it is as accurate as it wants to be. The latter is a function of
// the plan, the contract and, where one is named, of an earlier release that
// this principal has read. No row decides, and no budget.
func (p *Preparer) lossFor(ctx context.Context, principal string, q *question) (privacy.Loss, error) {
	loss, err := q.request.loss()
	if err != nil || q.request.Accuracy == nil {
		return loss, err
	}
	w, err := p.wish(ctx, principal, q)
	if err != nil {
		return loss, err
	}
	most, err := q.plan(privacy.Loss{Epsilon: privacy.MaxEpsilon, Delta: loss.Delta})
	if err != nil {
		return loss, err
	}
	loss.Epsilon, err = w.LeastEpsilon(func(epsilon float64) (*pricing.Priced, error) {
		if ctx.Err() != nil { // the search is long for whoever asks for very much at once
			return nil, Busy()
		}
		return most.At(privacy.Loss{Epsilon: epsilon, Delta: most.Loss.Delta})
	})
	return loss, err
}

func (p *Preparer) wish(ctx context.Context, principal string, q *question) (*wish.Wish, error) {
	a := q.request.Accuracy
	if err := a.Check(); err != nil {
		return nil, err
	}
	if a.Release == "" {
		return wish.New(*a, nil), nil
	}
	reading, err := p.Store.Read(ctx, principal, a.Release)
	if err != nil {
		return nil, err
	}
	if reading.Dataset != q.dataset.Name {
		return nil, privacy.Errorf(privacy.CodePrivacyParameters, "the release that accuracy names is of another dataset")
	}
	table, err := result.Decode(reading.Result)
	if err != nil {
		return nil, privacy.Internal(err, "stored result of "+reading.ID)
	}
	return wish.New(*a, table), nil
}

// Busy says that there is no answer in time. Nothing private has been read for it
// then, or nothing that its time could tell.
func Busy() error {
	return privacy.Errorf(privacy.CodeUnavailable, "the answer is not ready yet; ask again, nothing more is charged")
}
