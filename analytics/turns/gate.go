package turns

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/noised/noised/analytics/quota"
)

// underWay is a query that is. It counts against its tenant's quota until
// nobody holds it: neither the call, nor the run that goes on when the caller has
// hung up. A run is held back as pace says, and so is the moment at which it stops
// counting: what others of the tenant may ask meanwhile tells nothing of rows.
type underWay struct {
	who     Who
	holders atomic.Int64
	over    func()
}

func (u *underWay) leave() {
	if u.holders.Add(-1) == 0 {
		u.over()
	}
}

type underWayKey struct{}

// Gate counts what is under way. The zero value is ready.
type Gate struct{ gauge quota.Gauge }

// Enter counts a query of somebody, or reports false when as many as limit are under
// way of the tenant that it counts for. What it returns ends its call.
func (g *Gate) Enter(ctx context.Context, w Who, limit int64) (inside context.Context, leave func(), ok bool) {
	if !g.gauge.Take(w.Whose(), 1, limit) {
		return nil, nil, false
	}
	u := &underWay{who: w, over: func() { g.gauge.Add(w.Whose(), -1) }}
	u.holders.Store(1)
	return context.WithValue(ctx, underWayKey{}, u), sync.OnceFunc(u.leave), true
}

// Stay lets the query of a context count on until the function that it returns is
// called. Charges that are finished for nobody count for nobody.
func Stay(ctx context.Context) (leave func()) {
	u, ok := ctx.Value(underWayKey{}).(*underWay)
	if !ok {
		return func() {}
	}
	u.holders.Add(1)
	return sync.OnceFunc(u.leave)
}

// Asking returns who waits for a run.
func Asking(ctx context.Context) Who {
	if u, ok := ctx.Value(underWayKey{}).(*underWay); ok {
		return u.who
	}
	return Who{}
}
