// Package owned reads what is on record of tenants, and holds to one rule: it belongs to
// the tenant that it was made for. What an earlier tenant of the same name left is not
// told to the one that has the name now, nor that it was there.
package owned

import (
	"context"

	"github.com/noised/noised/privacy"
)

// MaxPage is the largest number of records that List returns at once.
const MaxPage = 1000

// Key is by what a record is found: its place in the order in which records were made,
// its id, its tenant, and since when there was that tenant.
type Key struct {
	Seq    int64
	ID     string
	Tenant string
	Since  int64
}

// Records are those of a table that has the columns seq, id, tenant and tenant_since.
type Records[R any] struct {
	// Find reads the records that a condition on these columns selects.
	Find func(ctx context.Context, condition string, args ...any) ([]R, error)
	// Since is since when there is the tenant of a name, or CodeNotFound.
	Since func(ctx context.Context, tenant string) (int64, error)
	Key   func(*R) Key
	// What one of them is called where there is none.
	What string
}

// Get returns one record of a tenant, or CodeNotFound.
func (r Records[R]) Get(ctx context.Context, tenant, id string) (found R, err error) {
	since, err := r.Since(ctx, tenant)
	if err != nil {
		return found, err
	}
	all, err := r.Find(ctx, `id = ? AND tenant = ? AND tenant_since = ?`, id, tenant, since)
	if err != nil {
		return found, err
	}
	if len(all) == 0 {
		return found, privacy.Errorf(privacy.CodeNotFound, "there is no such %s", r.What)
	}
	return all[0], nil
}

// List returns the records of a tenant, newest first: at most limit of them, and MaxPage,
// after the one whose id is the cursor. next is the cursor of the following page, empty
// on the last.
func (r Records[R]) List(ctx context.Context, tenant, cursor string, limit int) (page []R, next string, err error) {
	since, err := r.Since(ctx, tenant)
	if err != nil {
		return nil, "", err
	}
	limit = min(max(limit, 1), MaxPage)
	condition, args := `tenant = ? AND tenant_since = ?`, []any{tenant, since}
	if cursor != "" {
		at, err := r.Get(ctx, tenant, cursor)
		if err != nil {
			return nil, "", privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not one that this list returned")
		}
		condition, args = condition+` AND seq < ?`, append(args, r.Key(&at).Seq)
	}
	page, err = r.Find(ctx, condition+` ORDER BY seq DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	if len(page) > limit {
		page = page[:limit]
		next = r.Key(&page[limit-1]).ID
	}
	return page, next, nil
}

// Owner returns the tenant that owns a record; the empty string where there is no such
// record, where it is nobody's, and where its tenant is no more.
func (r Records[R]) Owner(ctx context.Context, id string) (tenant string, err error) {
	all, err := r.Find(ctx, `id = ?`, id)
	if err != nil || len(all) == 0 || r.Key(&all[0]).Tenant == "" {
		return "", err
	}
	key := r.Key(&all[0])
	since, err := r.Since(ctx, key.Tenant)
	if privacy.CodeOf(err) == privacy.CodeNotFound || err == nil && since != key.Since {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return key.Tenant, nil
}
