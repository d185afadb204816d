package loads

import (
	"context"
	"io"
	"time"

	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/job"
)

// Loads brings data in. Its methods answer CodeNotFound for loads of another
// tenant than the one they are called for.
type Loads interface {
	Create(ctx context.Context, r job.Request, body io.Reader) (job.Load, error)
	Get(ctx context.Context, tenant, id string) (job.Load, error)
	List(ctx context.Context, tenant, cursor string, limit int) ([]job.Load, string, error)
	Cancel(ctx context.Context, tenant, id string) (job.Load, error)
	Rejects(ctx context.Context, tenant, id string) (io.ReadCloser, error)
}

// Erasures takes people out of data. Its methods answer CodeNotFound for erasures of
// another tenant than the one they are called for.
type Erasures interface {
	Create(ctx context.Context, r erase.Request) (erase.Erasure, error)
	Get(ctx context.Context, tenant, id string) (erase.Erasure, error)
	List(ctx context.Context, tenant, cursor string, limit int) ([]erase.Erasure, string, error)
}

// Handlers answers the operations of this package.
type Handlers struct {
	Loads     Loads
	Erasures  Erasures
	MaxUpload int64         // bytes of one upload
	Idle      time.Duration // longest silence of an upload
	Grace     time.Duration // that an answer may take to send
}
