package operation

import (
	"context"

	"github.com/noised/noised/privacy"
)

// Call is an operation that is being served, as far as the steps before have
// learnt about it. It belongs to the goroutine that serves the request.
type Call struct {
	ID        string     // "req_…", of this request alone; what is logged and quoted
	Operation *Operation // nil where there is none
	Principal privacy.Principal
	Media     string // media type of the answer
	Body      []byte // of requests that are not uploads
	Asked     bool   // the query service was reached: what follows may depend on rows
}

type callKey struct{}

// With returns a context that carries a call.
func With(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns the call that a handler serves. Every request has one.
func CallOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// Principal returns who sent the request that a handler serves.
func Principal(ctx context.Context) privacy.Principal { return CallOf(ctx).Principal }

// Name returns the name of what is called, for logs.
func (c *Call) Name() string {
	if c.Operation == nil {
		return ""
	}
	return c.Operation.ID
}
