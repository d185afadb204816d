package wire

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Result is a release in one of its forms. Close Body when done.
type Result struct {
	Release     string
	Epsilon     float64
	Delta       float64
	Cached      bool // this answer was free
	ContentType string
	Body        io.ReadCloser
}

// QueryOptions are what a query may say beside its request. The zero value
// asks for an Arrow stream.
type QueryOptions struct {
	Accept         string // one of the media types of results; TypeArrow when empty
	IdempotencyKey string // makes a retry safe; none when empty
}

// Query asks for one release.
func (a *API) Query(ctx context.Context, q QueryRequest, o QueryOptions) (*Result, error) {
	params := &QueryParams{IdempotencyKey: Optional(o.IdempotencyKey)}
	return result(a.client.Query(ctx, params, q, accept(o.Accept)))
}

// Release reads a stored release again, free.
func (a *API) Release(ctx context.Context, id, mediaType string, intervals bool) (*Result, error) {
	params := &GetReleaseParams{}
	if intervals {
		params.Intervals = &intervals
	}
	return result(a.client.GetRelease(ctx, id, params, accept(mediaType)))
}

// ReleaseInfo describes a stored release.
func (a *API) ReleaseInfo(ctx context.Context, id string) (Release, error) {
	return decode[Release](a.client.GetRelease(ctx, id, &GetReleaseParams{}, accept(TypeReleaseInfo)))
}

// Releases lists one's own releases, newest first. An empty cursor asks for
// the first page, a limit of 0 for the server's choice.
func (a *API) Releases(ctx context.Context, cursor string, limit int32) (ReleaseList, error) {
	return decode[ReleaseList](a.client.ListReleases(ctx, &ListReleasesParams{Cursor: Optional(cursor), Limit: Optional(limit)}))
}

// Explain prices a query, or says why it is refused.
func (a *API) Explain(ctx context.Context, q QueryRequest) (Explanation, error) {
	return decode[Explanation](a.client.Explain(ctx, &ExplainParams{}, q))
}

// Datasets lists contracts and members.
func (a *API) Datasets(ctx context.Context) (DatasetList, error) {
	return decode[DatasetList](a.client.ListDatasets(ctx))
}

// Dataset shows one contract and its members.
func (a *API) Dataset(ctx context.Context, name string) (Dataset, error) {
	return decode[Dataset](a.client.GetDataset(ctx, name, &GetDatasetParams{}))
}

func accept(mediaType string) RequestEditorFn {
	if mediaType == "" {
		mediaType = TypeArrow
	}
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Accept", mediaType)
		return nil
	}
}

func result(res *http.Response, err error) (*Result, error) {
	res, err = succeed(res, err)
	if err != nil {
		return nil, err
	}
	r := &Result{Release: res.Header.Get(HeaderRelease), ContentType: res.Header.Get("Content-Type"), Body: res.Body}
	var faults [3]error
	r.Epsilon, faults[0] = strconv.ParseFloat(res.Header.Get(HeaderEpsilon), 64)
	r.Delta, faults[1] = strconv.ParseFloat(res.Header.Get(HeaderDelta), 64)
	r.Cached, faults[2] = strconv.ParseBool(res.Header.Get(HeaderCached))
	for _, fault := range faults {
		if fault != nil {
			_ = res.Body.Close()
			return nil, fmt.Errorf("reading the headers of the result: %w", fault)
		}
	}
	return r, nil
}
