package server

import (
	"context"
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/residency"
)

// sayRegions says whose rows may be here.
func (m *Main) sayRegions(ctx context.Context, cat *catalog.Catalog, served residency.Regions) error {
	if served.All() {
		m.Log.Info("tenants of all regions are served; --regions names those whose rows may be here")
		return nil
	}
	tenants, err := cat.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the regions of tenants: %w", err)
	}
	others := slices.DeleteFunc(tenants, func(t catalog.Tenant) bool { return served.Serve(t.Region) })
	m.Log.Info("tenants of some regions are served; rows of others are neither stored nor read, and their files are left alone",
		"regions", served.String(), "tenants of other regions", len(others))
	return nil
}
