package erase

import (
	"context"

	"github.com/noised/noised/ingest/owned"
)

// records are all erasures, for their tenants to read.
func (s *Service) records() owned.Records[record] {
	return owned.Records[record]{
		Find: func(ctx context.Context, condition string, args ...any) ([]record, error) {
			return find(ctx, s.o.DB, condition, args...)
		},
		Since: s.tenantSince, What: "erasure",
		Key: func(e *record) owned.Key {
			return owned.Key{Seq: e.seq, ID: e.ID, Tenant: e.Tenant, Since: e.tenantSince}
		},
	}
}

// Get returns one erasure of a tenant, or CodeNotFound.
func (s *Service) Get(ctx context.Context, tenant, id string) (Erasure, error) {
	e, err := s.records().Get(ctx, tenant, id)
	return e.Erasure, err
}

// List returns the erasures of a tenant, newest first: at most limit of them, after the
// one whose id is the cursor. next is the cursor of the following page, empty on the
// last.
func (s *Service) List(ctx context.Context, tenant, cursor string, limit int) (items []Erasure, next string, err error) {
	page, next, err := s.records().List(ctx, tenant, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	items = make([]Erasure, len(page))
	for i, e := range page {
		items[i] = e.Erasure
	}
	return items, next, nil
}

// TenantsOf returns the tenant that owns an erasure; none for one that there is not,
// and for that of a tenant which is no more.
func (s *Service) TenantsOf(ctx context.Context, id string) ([]string, error) {
	tenant, err := s.records().Owner(ctx, id)
	if err != nil || tenant == "" {
		return nil, err
	}
	return []string{tenant}, nil
}
