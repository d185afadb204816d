package analysis

import (
	"context"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
)

// ListReleases lists the caller's own releases.
func (h Handlers) ListReleases(ctx context.Context, r skeleton.ListReleasesRequestObject) (skeleton.ListReleasesResponseObject, error) {
	items, next, err := h.Queries.Releases(ctx, operation.Principal(ctx), wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListReleases200JSONResponse{Items: wire.List(items, releaseOf), Next: wire.Optional(next)}, nil
}

// GetRelease reads a release again: its result, or its description if the caller
// asked for that form.
func (h Handlers) GetRelease(ctx context.Context, r skeleton.GetReleaseRequestObject) (skeleton.GetReleaseResponseObject, error) {
	cl := operation.CallOf(ctx)
	a, err := h.Queries.Release(ctx, cl.Principal, r.Release)
	if err != nil {
		return nil, err
	}
	if cl.Media == wire.TypeReleaseInfo {
		return newInfo(a)
	}
	return newResult(a, cl.Media, r.Params.Intervals != nil && *r.Params.Intervals)
}

func releaseOf(r release.Release) wire.Release {
	return wire.Release{
		ID: r.ID, Dataset: r.Dataset, SQL: r.SQL, Epsilon: r.Epsilon, Delta: r.Delta,
		CreatedAt: r.CreatedAt, CachedHits: r.CachedHits, Purpose: wire.Optional(r.Purpose), Policy: wire.Optional(r.Policy),
	}
}
