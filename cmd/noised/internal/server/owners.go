package server

import (
	"context"

	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy/audit"
)

// owners says whose an object is that somebody asked for by its id: such a refusal
// concerns them too. A release is its readers'.
func owners(jobs *job.Service, erasures *erase.Service, releases *release.Store, keys *authn.Keys, agreed *consent.Service) map[string]audit.Owners {
	return map[string]audit.Owners{
		"load": jobs.TenantsOf,
		"ers":  erasures.TenantsOf,
		"prop": agreed.Tenants,
		"key":  func(ctx context.Context, id string) ([]string, error) { return keys.TenantsOf(ctx, id) },
		"rel": func(ctx context.Context, id string) ([]string, error) {
			readers, err := releases.Readers(ctx, id)
			if err != nil || len(readers) == 0 {
				return nil, err
			}
			return keys.TenantsOf(ctx, readers...)
		},
	}
}
