package resttest

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// Loads takes uploads and forgets them.
type Loads struct {
	mu      sync.Mutex
	Created []job.Request
	begun   int
	more    *sync.Cond // when an upload begins
	Bytes   int64
	Err     error
}

// Reached waits until so many uploads have begun.
func (f *Loads) Reached(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.begun < n {
		f.more.Wait()
	}
}

func newLoads() *Loads {
	f := &Loads{}
	f.more = sync.NewCond(&f.mu)
	return f
}

func (f *Loads) load(tenant string) job.Load {
	return job.Load{
		ID: "load_1", LoadID: "x", Tenant: tenant, Dataset: "insteval", State: job.StateFailed, Write: job.WriteAppend, Format: "csv",
		CreatedAt: time.Unix(0, 0).UTC(), Error: &job.Failure{Code: privacy.CodeLoadRejected, Message: "3 rows were rejected"},
	}
}

// Create reads an upload to its end.
func (f *Loads) Create(_ context.Context, r job.Request, body io.Reader) (job.Load, error) {
	f.mu.Lock()
	f.begun++
	f.more.Broadcast()
	f.mu.Unlock()
	n, err := io.Copy(io.Discard, body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Created, f.Bytes = append(f.Created, r), n
	if err != nil {
		return job.Load{}, privacy.Internal(err, "spool")
	}
	if f.Err != nil {
		return job.Load{}, f.Err
	}
	return f.load(r.Tenant), nil
}

func (f *Loads) find(tenant, id string) (job.Load, error) {
	if id != "load_1" || tenant != "a" {
		return job.Load{}, privacy.Errorf(privacy.CodeNotFound, "there is no such load")
	}
	return f.load(tenant), nil
}

// Get shows the load of tenant a.
func (f *Loads) Get(_ context.Context, tenant, id string) (job.Load, error) {
	return f.find(tenant, id)
}

// List lists it.
func (f *Loads) List(_ context.Context, tenant, _ string, _ int) ([]job.Load, string, error) {
	return []job.Load{f.load(tenant)}, "more", nil
}

// Cancel shows it again.
func (f *Loads) Cancel(_ context.Context, tenant, id string) (job.Load, error) {
	return f.find(tenant, id)
}

// Rejects holds one row.
func (f *Loads) Rejects(_ context.Context, tenant, id string) (io.ReadCloser, error) {
	if _, err := f.find(tenant, id); err != nil {
		return nil, err
	}
	return io.NopCloser(strings.NewReader(`{"line": 3, "reason": "student is not a bigint"}` + "\n")), nil
}
