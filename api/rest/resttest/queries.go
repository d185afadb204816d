package resttest

import (
	"context"
	"sync"
	"time"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
)

// Queries answers every question with one release.
type Queries struct {
	mu    sync.Mutex
	asked []question.Request
	err   error
	Run   func(context.Context) // called while a query runs
	Rows  int                   // of the answer; 1 when 0
}

// Fail makes every further question fail so; nil ends that.
func (f *Queries) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// Count is how many questions were asked.
func (f *Queries) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

// Last is the last question.
func (f *Queries) Last() question.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[len(f.asked)-1]
}

func (f *Queries) answer() *showing.Answer {
	values := result.NewVector(plan.Of(plan.KindBigint), max(f.Rows, 1))
	for i := range values.Len() {
		values.Set(i, plan.IntValue(plan.Of(plan.KindBigint), int64(41+i)))
	}
	return &showing.Answer{
		Release: release.Release{ID: "rel_1", Dataset: "insteval", SQL: "SELECT 1", Epsilon: 0.5, Delta: 1e-9, CreatedAt: time.Unix(0, 0).UTC(), Policy: 1},
		Table: &result.Table{Columns: []result.Column{{
			Name: "n", Type: plan.Type{Kind: plan.KindBigint}, Values: values, Mechanism: result.Gaussian,
		}}},
	}
}

// Query answers a question.
func (f *Queries) Query(ctx context.Context, _ privacy.Principal, r question.Request) (*showing.Answer, error) {
	if f.Run != nil {
		f.Run(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	if f.err != nil {
		return nil, f.err
	}
	return f.answer(), nil
}

// Explain prices it.
func (f *Queries) Explain(_ context.Context, _ privacy.Principal, r question.Request) (*query.Explanation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	if f.err != nil {
		return nil, f.err
	}
	return &query.Explanation{Permitted: true, Strategy: "stream", Charges: []query.ExplainedCharge{{Account: "tenant:a", Rho: 0.1, Epsilon: 0.5, Delta: 1e-9}}}, nil
}

// Releases lists one.
func (f *Queries) Releases(context.Context, privacy.Principal, string, int) ([]release.Release, string, error) {
	return []release.Release{f.answer().Release}, "", nil
}

// Release reads it again.
func (f *Queries) Release(_ context.Context, _ privacy.Principal, id string) (*showing.Answer, error) {
	if id != "rel_1" {
		return nil, privacy.Errorf(privacy.CodeNotFound, "there is no such release")
	}
	a := f.answer()
	a.Cached = true
	return a, nil
}

// Try finds nothing wrong with a template.
func (f *Queries) Try(context.Context, string, template.Template) error { return nil }
