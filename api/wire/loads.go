package wire

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Upload is a file to load. The zero values of its optional fields leave the
// choice to the server.
type Upload struct {
	Dataset         string
	Table           string // of a dataset of several tables; else empty
	Tenant          string // refused unless it is the key's own; not checked when empty
	ContentType     string // one of the media types of uploads
	ContentEncoding string // "", "gzip" or "zstd"
	Write           LoadWrite
	LoadID          string
	MaxBadRecords   *int64
	DryRun          bool
	Size            int64            // bytes of the body; 0 when unknown
	Progress        func(sent int64) // called as bytes leave; may be nil
}

// Upload streams body to the server and returns the load that was started. The
// body is read once and never held in memory.
func (a *API) Upload(ctx context.Context, u Upload, body io.Reader) (Load, error) {
	params := &CreateLoadParams{
		Table:           Optional(u.Table),
		Tenant:          Optional(u.Tenant),
		Write:           Optional(u.Write),
		LoadID:          Optional(u.LoadID),
		MaxBadRecords:   u.MaxBadRecords,
		DryRun:          Optional(u.DryRun),
		ContentEncoding: Optional(CreateLoadParamsContentEncoding(u.ContentEncoding)),
	}
	if u.Progress != nil {
		body = &progressReader{r: body, report: u.Progress}
	}
	length := func(_ context.Context, r *http.Request) error {
		if u.Size > 0 {
			r.ContentLength = u.Size
		}
		return nil
	}
	return decode[Load](a.client.CreateLoadWithBody(ctx, u.Dataset, params, u.ContentType, body, length))
}

// Load shows the state and counters of a load.
func (a *API) Load(ctx context.Context, id string) (Load, error) {
	return decode[Load](a.client.GetLoad(ctx, id))
}

// Loads lists the loads of one's tenant, newest first.
func (a *API) Loads(ctx context.Context, cursor string, limit int32) (LoadList, error) {
	return decode[LoadList](a.client.ListLoads(ctx, &ListLoadsParams{Cursor: Optional(cursor), Limit: Optional(limit)}))
}

// CancelLoad cancels a load that has not finished.
func (a *API) CancelLoad(ctx context.Context, id string) (Load, error) {
	return decode[Load](a.client.CancelLoad(ctx, id))
}

// Rejects streams the rejected rows of a load, one JSON document a line. Close
// it when done.
func (a *API) Rejects(ctx context.Context, id string) (io.ReadCloser, error) {
	res, err := succeed(a.client.GetLoadRejects(ctx, id))
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Finished reports whether the load will not change any more.
func (l Load) Finished() bool {
	return l.State == LoadStateSucceeded || l.State == LoadStateFailed || l.State == LoadStateCancelled
}

// Wait asks for a load until it has finished, at growing intervals of up to a
// second, and passes every state it sees to report, which may be nil.
func (a *API) Wait(ctx context.Context, id string, report func(Load)) (Load, error) {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		load, err := a.Load(ctx, id)
		if err != nil {
			return load, err
		}
		if report != nil {
			report(load)
		}
		if load.Finished() {
			return load, nil
		}
		select {
		case <-ctx.Done():
			return load, ctx.Err()
		case <-time.After(pause):
		}
	}
}

type progressReader struct {
	r      io.Reader
	sent   int64
	report func(int64)
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.sent += int64(n)
		p.report(p.sent)
	}
	return n, err
}
