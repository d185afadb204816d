package erase

import (
	"context"

	"github.com/noised/noised/privacy"
)

// maxPage is the largest number of erasures that List returns at once.
const maxPage = 1000

// Get returns one erasure of a tenant, or CodeNotFound.
func (s *Service) Get(ctx context.Context, tenant, id string) (Erasure, error) {
	e, err := s.get(ctx, tenant, id)
	return e.Erasure, err
}

func (s *Service) get(ctx context.Context, tenant, id string) (record, error) {
	since, err := s.tenantSince(ctx, tenant)
	if err != nil {
		return record{}, err
	}
	found, err := find(ctx, s.o.DB, `id = ? AND tenant = ? AND tenant_since = ?`, id, tenant, since)
	if err != nil {
		return record{}, err
	}
	if len(found) == 0 {
		return record{}, privacy.Errorf(privacy.CodeNotFound, "there is no such erasure")
	}
	return found[0], nil
}

// List returns the erasures of a tenant, newest first: at most limit of them, after the
// one whose id is the cursor. next is the cursor of the following page, empty on the
// last.
func (s *Service) List(ctx context.Context, tenant, cursor string, limit int) (items []Erasure, next string, err error) {
	since, err := s.tenantSince(ctx, tenant)
	if err != nil {
		return nil, "", err
	}
	limit = min(max(limit, 1), maxPage)
	condition, args := `tenant = ? AND tenant_since = ?`, []any{tenant, since}
	if cursor != "" {
		at, err := s.get(ctx, tenant, cursor)
		if err != nil {
			return nil, "", privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not one that this list returned")
		}
		condition, args = condition+` AND seq < ?`, append(args, at.seq)
	}
	found, err := find(ctx, s.o.DB, condition+` ORDER BY seq DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].ID
	}
	items = make([]Erasure, len(found))
	for i, e := range found {
		items[i] = e.Erasure
	}
	return items, next, nil
}

// TenantsOf returns the tenant that owns an erasure; none for one that there is not,
// and for that of a tenant which is no more.
func (s *Service) TenantsOf(ctx context.Context, id string) ([]string, error) {
	found, err := find(ctx, s.o.DB, `id = ?`, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	since, err := s.tenantSince(ctx, found[0].Tenant)
	if privacy.CodeOf(err) == privacy.CodeNotFound || err == nil && since != found[0].tenantSince {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []string{found[0].Tenant}, nil
}
