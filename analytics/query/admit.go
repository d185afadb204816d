package query

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy"
)

// Quotas tells what a tenant may use.
type Quotas interface {
	Of(ctx context.Context, tenant string) (quota.Limits, error)
}

// underWay is a query that is. It counts against its tenant's quota until
// nobody holds it: neither the call, nor the run that goes on when the caller has
// hung up. A run is held back as pace says, and so is the moment at which it stops
// counting: what others of the tenant may ask meanwhile tells nothing of rows.
type underWay struct {
	who     turns.Who
	holders atomic.Int64
	over    func()
}

func (u *underWay) leave() {
	if u.holders.Add(-1) == 0 {
		u.over()
	}
}

type underWayKey struct{}

// enter counts a query of a principal, or refuses it when as many as its tenant may
// have are under way: before it is read, and so before anything is charged.
// Principals of no tenant are each held to the default.
func (s *Service) enter(ctx context.Context, p privacy.Principal) (context.Context, func(), error) {
	limits := quota.None()
	if s.Quotas != nil {
		var err error
		if limits, err = s.Quotas.Of(ctx, p.Tenant); err != nil {
			return nil, nil, err
		}
	}
	u := &underWay{who: turns.Who{Tenant: p.Tenant, Principal: p.ID}}
	whose := u.who.Whose()
	if !s.asking.Take(whose, limits[quota.Queries]) {
		return nil, nil, limits.Exceeded(quota.Queries)
	}
	u.holders.Store(1)
	u.over = func() { s.asking.Add(whose, -1) }
	return context.WithValue(ctx, underWayKey{}, u), sync.OnceFunc(u.leave), nil
}

// stay lets the query of a context count on until the function that it returns is
// called. Charges that are finished for nobody count for nobody.
func stay(ctx context.Context) (leave func()) {
	u, ok := ctx.Value(underWayKey{}).(*underWay)
	if !ok {
		return func() {}
	}
	u.holders.Add(1)
	return sync.OnceFunc(u.leave)
}

// asking returns who waits for a run.
func asking(ctx context.Context) turns.Who {
	if u, ok := ctx.Value(underWayKey{}).(*underWay); ok {
		return u.who
	}
	return turns.Who{}
}
