package analysis

import (
	"context"
	"time"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/privacy"
)

// Queries answers analysts. It must not let a caller that hangs up interrupt a
// spend.
type Queries interface {
	Query(ctx context.Context, p privacy.Principal, r question.Request) (*showing.Answer, error)
	Explain(ctx context.Context, p privacy.Principal, r question.Request) (*query.Explanation, error)
	Releases(ctx context.Context, p privacy.Principal, cursor string, limit int) ([]release.Release, string, error)
	Release(ctx context.Context, p privacy.Principal, id string) (*showing.Answer, error)
}

// Handlers answers the operations of this package.
type Handlers struct {
	Queries Queries
	Now     func() time.Time
}
