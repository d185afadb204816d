package analysis

import (
	"context"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
)

// Query answers a query with one release.
func (h Handlers) Query(ctx context.Context, r skeleton.QueryRequestObject) (skeleton.QueryResponseObject, error) {
	if err := asksSomething(*r.Body); err != nil {
		return nil, err
	}
	q := requestOf(*r.Body)
	q.Operation = operation.CallOf(ctx).Operation.ID
	if key := r.Params.IdempotencyKey; key != nil {
		q.IdempotencyKey = *key
	}
	return h.answer(ctx, q)
}

// QueryByURL answers a query given in the URL.
func (h Handlers) QueryByURL(ctx context.Context, r skeleton.QueryByURLRequestObject) (skeleton.QueryByURLResponseObject, error) {
	p := r.Params
	q := requestOf(wire.QueryRequest{
		SQL: p.SQL, Bounds: p.Bounds, Epsilon: p.Epsilon, Delta: p.Delta,
		Accuracy: p.Accuracy, Tenants: p.Tenants, OnExhausted: p.OnExhausted, OnElsewhere: p.OnElsewhere, Intervals: p.Intervals, Purpose: p.Purpose,
	})
	q.Operation = operation.CallOf(ctx).Operation.ID
	return h.answer(ctx, q)
}

func (h Handlers) answer(ctx context.Context, q question.Request) (resultResponse, error) {
	cl := operation.CallOf(ctx)
	cl.Asked = true
	a, err := h.Queries.Query(ctx, cl.Principal, q)
	if err != nil {
		return resultResponse{}, err
	}
	return newResult(a, cl.Media, q.Intervals)
}
