// Package region tells whether what lies in a data directory may be touched here.
//
// Of a tenant whose region is not served, nothing is taken in, run, merged, read,
// resumed or removed: what there is of it belongs to a server of its region, which
// may share the control store or have had this disk before. What the tenant has
// asked for waits there.
package region

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
)

// Rower is what both the store and a transaction read one row through.
type Rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Gate knows the regions of tenants.
type Gate struct {
	Regions residency.Regions // that are served; all for the zero value
	From    Rower             // the store
}

// Serves reports whether the rows of a tenant may be here. Public tables and what
// a tenant left that is no more have no region to be kept from.
func (g Gate) Serves(ctx context.Context, tenant string) (bool, error) {
	return g.ServesIn(ctx, g.From, tenant)
}

// ServesIn is Serves as a transaction sees the tenant.
func (g Gate) ServesIn(ctx context.Context, from Rower, tenant string) (bool, error) {
	if tenant == catalog.Public || g.Regions.All() {
		return true, nil
	}
	var region string
	err := from.QueryRowContext(ctx, `SELECT region FROM tenants WHERE name = ?`, tenant).Scan(&region)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, privacy.Internal(err, "reading a region")
	}
	return g.Regions.Serve(region), nil
}

// ServesFile is Serves for the tenant that a path below the data directory, written
// with slashes, belongs to.
func (g Gate) ServesFile(ctx context.Context, path string) (bool, error) {
	below, ok := strings.CutPrefix(path, "tenants/")
	if !ok {
		return true, nil // of a public table
	}
	tenant, _, _ := strings.Cut(below, "/")
	return g.Serves(ctx, tenant)
}

// ServesSegment is Serves for a file of data, which keeps the region of its tenant
// when that is no more.
func (g Gate) ServesSegment(seg catalog.Segment) bool {
	return strings.HasPrefix(seg.Path, "public/") || g.Regions.Serve(seg.Region)
}
