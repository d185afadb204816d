package job

import (
	"context"
	"encoding/json"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/ingest/region"
	"github.com/noised/noised/privacy"
)

// resides refuses to go on with a load of a tenant whose rows may not be here.
func (s *Service) resides(ctx context.Context, from region.Rower, j record) error {
	serves, err := s.region.ServesIn(ctx, from, j.Tenant)
	if err == nil && !serves {
		return residency.Refusal(j.Tenant)
	}
	return err
}

// held lists the tenants, as JSON, of whose loads none may start now: those of
// other regions, and those that run as many as their quotas admit.
func (s *Service) held(ctx context.Context) (string, error) {
	held := []string{}
	if !s.o.Regions.All() || s.o.Quotas != nil {
		waiting, err := s.waiting(ctx)
		if err != nil {
			return "", err
		}
		for tenant, running := range waiting {
			serves, err := s.region.Serves(ctx, tenant)
			if err != nil {
				return "", err
			}
			limits, err := s.limits(ctx, tenant)
			if err != nil {
				return "", err
			}
			if !serves || !limits.Admits(quota.LoadsRunning, running+1) {
				held = append(held, tenant)
			}
		}
	}
	list, err := json.Marshal(held)
	if err != nil {
		return "", privacy.Internal(err, "looking for loads")
	}
	return string(list), nil
}

// waiting returns the tenants that have loads waiting, and how many each has
// running.
func (s *Service) waiting(ctx context.Context) (map[string]int64, error) {
	const doing = "looking for loads"
	rows, err := s.o.DB.QueryContext(ctx, `SELECT tenant, sum(state = 'running') FROM loads WHERE state IN ('pending', 'running')
		GROUP BY tenant HAVING sum(state = 'pending') > 0`)
	if err != nil {
		return nil, privacy.Internal(err, doing)
	}
	defer rows.Close()
	found := map[string]int64{}
	for rows.Next() {
		var tenant string
		var running int64
		if err := rows.Scan(&tenant, &running); err != nil {
			return nil, privacy.Internal(err, doing)
		}
		found[tenant] = running
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, doing)
	}
	return found, nil
}
