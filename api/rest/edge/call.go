package edge

import (
	"context"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/rest/operation"
)

// visit is a call with what only the steps need to know of it.
type visit struct {
	operation.Call
	secret  string // what answers to the caller are sealed with
	lasting bool   // secret is one, and the same at the caller's next call

	path   echo.PathValues // what the path names
	guard  string          // the tenant that an upload is said to be for
	remote string          // where the caller is

	arrived time.Time       // when its header had been read
	gone    <-chan struct{} // closed when the caller hangs up
	took    time.Duration   // of an answer that was held, a multiple of the slot; 0: as measured
}

type visitKey struct{}

// with returns a context that carries a visit, and its call for the handler.
func with(ctx context.Context, v *visit) context.Context {
	return context.WithValue(operation.With(ctx, &v.Call), visitKey{}, v)
}

// visitOf returns the visit that a step is taken for. Every request has one.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// duration is how long a call took, as far as logs and metrics may know.
func (v *visit) duration(now time.Time) time.Duration {
	if v.took > 0 {
		return v.took
	}
	return now.Sub(v.arrived)
}
