package authn

import (
	"context"
	"encoding/json"

	"github.com/noised/noised/privacy"
)

// TenantsOf returns the tenants of keys, without those that have none or that are
// not known. A principal that acts by keys has the id of the first of them.
func (k *Keys) TenantsOf(ctx context.Context, ids ...string) ([]string, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, privacy.Internal(err, "reading keys")
	}
	rows, err := k.db.QueryContext(ctx, `SELECT DISTINCT k.tenant FROM json_each(?) w JOIN api_keys k ON k.id = w.value
		WHERE k.tenant IS NOT NULL ORDER BY k.tenant`, string(list))
	if err != nil {
		return nil, privacy.Internal(err, "reading keys")
	}
	defer func() { _ = rows.Close() }()
	var tenants []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, privacy.Internal(err, "reading keys")
		}
		tenants = append(tenants, t)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading keys")
	}
	return tenants, nil
}
