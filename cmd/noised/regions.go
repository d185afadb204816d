package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
)

// served returns the regions whose tenants' rows may be here: a list in the
// configuration file, one text with commas elsewhere.
func (c Config) served() (residency.Regions, error) {
	var list []string
	for _, r := range c.Regions {
		list = append(list, strings.Split(r, ",")...)
	}
	return residency.Of(list)
}

// checkRegions refuses regions that are none, and a server that would not serve its
// own.
func (c Config) checkRegions() error {
	served, err := c.served()
	if err != nil {
		return usagef("--regions: %s", privacy.AsError(err).Message)
	}
	if c.Region != "" && !served.Serve(c.Region) {
		return usagef("--region %s is not among --regions %s", c.Region, served)
	}
	return nil
}

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
