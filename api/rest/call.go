package rest

import (
	"context"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/privacy"
)

// call is what the steps of one request learn about it. It belongs to the
// goroutine that serves the request.
type call struct {
	id        string // "req_…", of this request alone; what is logged and quoted
	op        *operation
	principal privacy.Principal
	secret    string // what answers to the caller are sealed with
	lasting   bool   // secret is one, and the same at the caller's next call
	media     string // media type of the answer
	body      []byte // of requests that are not uploads

	path   echo.PathValues // what the path names
	guard  string          // the tenant that an upload is said to be for
	remote string          // where the caller is

	arrived time.Time       // when its header had been read
	gone    <-chan struct{} // closed when the caller hangs up
	asked   bool            // the query service was reached: what follows may depend on rows
	took    time.Duration   // of an answer that was held, a multiple of the slot; 0: as measured
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf returns the call that a handler serves. Every request has one.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// operation returns the name of what is called, for logs.
func (c *call) operation() string {
	if c.op == nil {
		return ""
	}
	return c.op.id
}
