package keyring

import (
	"context"
	"time"

	"github.com/noised/noised/privacy"
)

// Names returns the scopes of data keys whose names begin so and that were made
// before a time.
func (r *Ring) Names(ctx context.Context, prefix string, before time.Time) (found []Scope, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT tenant, name FROM data_keys WHERE substr(name, 1, length(?)) = ? AND created_at < ? ORDER BY tenant, name`,
		prefix, prefix, before.UnixMicro())
	if err != nil {
		return nil, privacy.Internal(err, "listing data keys")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s Scope
		if err := rows.Scan(&s.Tenant, &s.Name); err != nil {
			return nil, privacy.Internal(err, "listing data keys")
		}
		found = append(found, s)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "listing data keys")
	}
	return found, nil
}
