package job

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
)

// TenantsOf returns the tenant that owns a load; none for a public table's, for a
// load that there is not, and for that of a tenant which is no more.
func (s *Service) TenantsOf(ctx context.Context, id string) ([]string, error) {
	found, err := find(ctx, s.o.DB, `id = ?`, id)
	if err != nil || len(found) == 0 || found[0].Tenant == catalog.Public {
		return nil, err
	}
	since, err := s.tenantSince(ctx, found[0].Tenant)
	if isNotFound(err) || err == nil && since != found[0].tenantSince {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []string{found[0].Tenant}, nil
}
