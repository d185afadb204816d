package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
)

// Residency.
//
// Of a tenant whose region is not served, nothing is taken in, run, merged, read,
// resumed or removed: what there is of it belongs to a server of its region, which
// may share the control store or have had this disk before. What the tenant has
// asked for waits there.

// rower is what both the store and a transaction read one row through.
type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// serves reports whether the rows of a tenant may be here. Public tables and what
// a tenant left that is no more have no region to be kept from.
func (s *Service) serves(ctx context.Context, from rower, tenant string) (bool, error) {
	if tenant == catalog.Public || s.o.Regions.All() {
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
	return s.o.Regions.Serve(region), nil
}

// resides refuses to go on with a load of a tenant whose rows may not be here.
func (s *Service) resides(ctx context.Context, from rower, j record) error {
	serves, err := s.serves(ctx, from, j.Tenant)
	if err == nil && !serves {
		return residency.Refusal(j.Tenant)
	}
	return err
}

func (s *Service) servesLoad(ctx context.Context, j record) (bool, error) {
	return s.serves(ctx, s.o.DB, j.Tenant)
}

// servesFile is serves for the tenant that a path below the data directory, written
// with slashes, belongs to.
func (s *Service) servesFile(ctx context.Context, path string) (bool, error) {
	below, ok := strings.CutPrefix(path, "tenants/")
	if !ok {
		return true, nil // of a public table
	}
	tenant, _, _ := strings.Cut(below, "/")
	return s.serves(ctx, s.o.DB, tenant)
}

// servesSegment is serves for a file of data, which keeps the region of its tenant
// when that is no more.
func (s *Service) servesSegment(seg catalog.Segment) bool {
	return strings.HasPrefix(seg.Path, "public/") || s.o.Regions.Serve(seg.Region)
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
			serves, err := s.serves(ctx, s.o.DB, tenant)
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
