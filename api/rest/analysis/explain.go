package analysis

import (
	"context"
	"slices"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// Explain prices a query. A refusal that the query itself would meet is an
// answer, not an error.
func (h Handlers) Explain(ctx context.Context, r skeleton.ExplainRequestObject) (skeleton.ExplainResponseObject, error) {
	if err := asksSomething(*r.Body); err != nil {
		return nil, err
	}
	cl := operation.CallOf(ctx)
	x, err := h.Queries.Explain(ctx, cl.Principal, requestOf(*r.Body))
	if err == nil {
		return skeleton.Explain200JSONResponse(explanationOf(x)), nil
	}
	refusals := []privacy.Code{
		privacy.CodeSQLSyntax, privacy.CodeQueryNotPermitted, privacy.CodeUnknownDataset, privacy.CodeUnknownColumn,
		privacy.CodePrivacyParameters, privacy.CodeBudgetExhausted,
	}
	if !slices.Contains(refusals, privacy.CodeOf(err)) {
		return nil, err
	}
	p := problem.Of(err, cl.ID, cl.Principal, h.Now()).Problem
	return skeleton.Explain200JSONResponse{Permitted: false, Problem: &p}, nil
}

func explanationOf(x *query.Explanation) wire.Explanation {
	out := wire.Explanation{
		Permitted: x.Permitted, Epsilon: &x.Loss.Epsilon, Delta: &x.Loss.Delta, Accuracy: wantedOf(x.Accuracy), Strategy: wire.Optional(x.Strategy),
		Charges: wire.List(x.Charges, func(c query.ExplainedCharge) wire.ExplainCharge {
			return wire.ExplainCharge{
				Account: c.Account, Rho: c.Rho, Epsilon: c.Epsilon, Delta: c.Delta,
				RemainingAfter: wire.Amount{Epsilon: c.RemainingAfter.Epsilon, Delta: c.RemainingAfter.Delta, Rho: c.RemainingAfter.Rho},
				QueriesLeft:    c.QueriesLeft,
			}
		}),
	}
	for _, c := range x.Columns {
		column := wire.ExplainColumn{Name: c.Name, Mechanism: wire.ExplainColumnMechanism(c.Mechanism), Stddev: c.Stddev}
		if c.Interval != nil {
			column.Interval = &wire.ExplainInterval{LowOffset: c.Interval.Low, HighOffset: c.Interval.High, Confidence: c.Interval.Confidence}
		}
		for n, i := range c.ByCount {
			if column.IntervalByN == nil {
				column.IntervalByN = map[string]wire.ExplainInterval{}
			}
			column.IntervalByN[n] = wire.ExplainInterval{LowOffset: i.Low, HighOffset: i.High, Confidence: i.Confidence}
		}
		out.Columns = append(out.Columns, column)
	}
	if sel := x.PartitionSelection; sel != nil {
		out.PartitionSelection = &wire.ExplainSelection{Threshold: float64(sel.Threshold), KeepProbability: sel.KeepProbability}
	}
	return out
}

// wantedOf shows a wanted accuracy as it was understood.
func wantedOf(a *wish.Accuracy) *wire.WantedAccuracy {
	if a == nil {
		return nil
	}
	return &wire.WantedAccuracy{
		Relative: a.Relative, Absolute: a.Absolute, Confidence: &a.Confidence, ExpectedN: a.ExpectedN, Release: wire.Optional(a.Release),
	}
}
