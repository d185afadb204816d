package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// Query answers a query with one release.
func (s *server) Query(ctx context.Context, r skeleton.QueryRequestObject) (skeleton.QueryResponseObject, error) {
	if err := asksSomething(*r.Body); err != nil {
		return nil, err
	}
	q := requestOf(*r.Body)
	q.Operation = callOf(ctx).op.id
	if key := r.Params.IdempotencyKey; key != nil {
		q.IdempotencyKey = *key
	}
	return s.answer(ctx, q)
}

// QueryByURL answers a query given in the URL.
func (s *server) QueryByURL(ctx context.Context, r skeleton.QueryByURLRequestObject) (skeleton.QueryByURLResponseObject, error) {
	p := r.Params
	q := requestOf(wire.QueryRequest{
		SQL: p.SQL, Bounds: p.Bounds, Epsilon: p.Epsilon, Delta: p.Delta,
		Accuracy: p.Accuracy, Tenants: p.Tenants, OnExhausted: p.OnExhausted, OnElsewhere: p.OnElsewhere, Intervals: p.Intervals, Purpose: p.Purpose,
	})
	q.Operation = callOf(ctx).op.id
	return s.answer(ctx, q)
}

func (s *server) answer(ctx context.Context, q question.Request) (resultResponse, error) {
	cl := callOf(ctx)
	cl.asked = true
	a, err := s.Queries.Query(ctx, cl.principal, q)
	if err != nil {
		return resultResponse{}, err
	}
	return newResult(a, cl.media, q.Intervals)
}

// asksSomething refuses a body without a question.
func asksSomething(q wire.QueryRequest) error {
	if q.SQL == "" && q.Template == nil {
		return privacy.Errorf(privacy.CodeInvalidRequest, "give sql, or a template with its parameters")
	}
	return nil
}

// requestOf translates a request that the document's schema has admitted.
func requestOf(q wire.QueryRequest) question.Request {
	out := question.Request{SQL: q.SQL, Epsilon: q.Epsilon, Delta: q.Delta, Tenants: q.Tenants, Purpose: valueOf(q.Purpose), Template: valueOf(q.Template), Parameters: q.Parameters}
	if q.OnExhausted != nil {
		out.OnExhausted = string(*q.OnExhausted)
	}
	if q.OnElsewhere != nil {
		out.OnElsewhere = string(*q.OnElsewhere)
	}
	if q.Intervals != nil {
		out.Intervals = *q.Intervals
	}
	if a := q.Accuracy; a != nil {
		out.Accuracy = accuracyOf(*a)
	}
	if b := q.Bounds; b != nil {
		out.MaxPartitions, out.MaxRowsPerPartition = b.MaxPartitions, b.MaxRowsPerPartition
		for column, interval := range b.AdditionalProperties {
			if out.Columns == nil {
				out.Columns = map[string][2]float64{}
			}
			out.Columns[column] = [2]float64{interval[0], interval[1]}
		}
	}
	return out
}

// accuracyOf translates a wanted accuracy; what it may hold, the service checks.
func accuracyOf(a wire.WantedAccuracy) *wish.Accuracy {
	out := &wish.Accuracy{
		Relative: a.Relative, Absolute: a.Absolute, Confidence: wish.Confidence,
		ExpectedN: a.ExpectedN, Release: valueOf(a.Release),
	}
	if a.Confidence != nil {
		out.Confidence = *a.Confidence
	}
	return out
}

// wantedOf shows a wanted accuracy as it was understood.
func wantedOf(a *wish.Accuracy) *wire.WantedAccuracy {
	if a == nil {
		return nil
	}
	return &wire.WantedAccuracy{
		Relative: a.Relative, Absolute: a.Absolute, Confidence: &a.Confidence, ExpectedN: a.ExpectedN, Release: optional(a.Release),
	}
}

// ListReleases lists the caller's own releases.
func (s *server) ListReleases(ctx context.Context, r skeleton.ListReleasesRequestObject) (skeleton.ListReleasesResponseObject, error) {
	items, next, err := s.Queries.Releases(ctx, callOf(ctx).principal, valueOf(r.Params.Cursor), pageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListReleases200JSONResponse{Items: mapped(items, releaseOf), Next: optional(next)}, nil
}

// GetRelease reads a release again: its result, or its description if the caller
// asked for that form.
func (s *server) GetRelease(ctx context.Context, r skeleton.GetReleaseRequestObject) (skeleton.GetReleaseResponseObject, error) {
	cl := callOf(ctx)
	a, err := s.Queries.Release(ctx, cl.principal, r.Release)
	if err != nil {
		return nil, err
	}
	if cl.media == wire.TypeReleaseInfo {
		return newInfo(a)
	}
	return newResult(a, cl.media, r.Params.Intervals != nil && *r.Params.Intervals)
}

func releaseOf(r release.Release) wire.Release {
	return wire.Release{
		ID: r.ID, Dataset: r.Dataset, SQL: r.SQL, Epsilon: r.Epsilon, Delta: r.Delta,
		CreatedAt: r.CreatedAt, CachedHits: r.CachedHits, Purpose: optional(r.Purpose), Policy: optional(r.Policy),
	}
}

// Explain prices a query. A refusal that the query itself would meet is an
// answer, not an error.
func (s *server) Explain(ctx context.Context, r skeleton.ExplainRequestObject) (skeleton.ExplainResponseObject, error) {
	if err := asksSomething(*r.Body); err != nil {
		return nil, err
	}
	cl := callOf(ctx)
	x, err := s.Queries.Explain(ctx, cl.principal, requestOf(*r.Body))
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
	p := problemOf(err, cl.id, cl.principal, s.now()).Problem
	return skeleton.Explain200JSONResponse{Permitted: false, Problem: &p}, nil
}

func explanationOf(x *query.Explanation) wire.Explanation {
	out := wire.Explanation{
		Permitted: x.Permitted, Epsilon: &x.Loss.Epsilon, Delta: &x.Loss.Delta, Accuracy: wantedOf(x.Accuracy), Strategy: optional(x.Strategy),
		Charges: mapped(x.Charges, func(c query.ExplainedCharge) wire.ExplainCharge {
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

// resultResponse is a release in the form that was asked for. It is written out
// before anything is sent, so that no answer breaks off half-way.
type resultResponse struct {
	release release.Release
	cached  bool
	media   string
	body    []byte
}

func newResult(a *showing.Answer, media string, intervals bool) (resultResponse, error) {
	write := map[string]func(io.Writer, bool) error{
		wire.TypeArrow: a.Table.WriteArrow, wire.TypeCSV: a.Table.WriteCSV, wire.TypeJSON: a.Table.WriteJSON,
	}[media]
	var body bytes.Buffer
	if err := write(&body, intervals); err != nil {
		return resultResponse{}, privacy.Internal(err, "write result")
	}
	return resultResponse{release: a.Release, cached: a.Cached, media: media, body: body.Bytes()}, nil
}

func (r resultResponse) send(w http.ResponseWriter) error {
	h := w.Header()
	h.Set(wire.HeaderRelease, r.release.ID)
	h.Set(wire.HeaderEpsilon, strconv.FormatFloat(r.release.Epsilon, 'g', -1, 64))
	h.Set(wire.HeaderDelta, strconv.FormatFloat(r.release.Delta, 'g', -1, 64))
	h.Set(wire.HeaderCached, strconv.FormatBool(r.cached))
	h.Set(wire.HeaderPolicy, strconv.FormatInt(r.release.Policy, 10))
	contentType := r.media
	if r.media == wire.TypeCSV {
		contentType += "; charset=utf-8"
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(r.body)))
	_, err := w.Write(r.body)
	return err
}

// VisitQueryResponse implements QueryResponseObject.
func (r resultResponse) VisitQueryResponse(w http.ResponseWriter) error { return r.send(w) }

// VisitQueryByURLResponse implements QueryByURLResponseObject.
func (r resultResponse) VisitQueryByURLResponse(w http.ResponseWriter) error { return r.send(w) }

// VisitGetReleaseResponse implements GetReleaseResponseObject.
func (r resultResponse) VisitGetReleaseResponse(w http.ResponseWriter) error { return r.send(w) }
