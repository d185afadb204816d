package consent

import (
	"context"
	"database/sql"
	"slices"

	"github.com/noised/noised/privacy"
)

// filled is true of a group (?) that has a key which a tenant made for itself. A key
// that replaced others is whose the first of them was. Of what operators make by
// tokens or certificates nobody can tell it from what a tenant's admins make so: it
// counts as a tenant's.
const filled = `EXISTS (SELECT 1 FROM api_keys k JOIN api_keys first ON first.id = k.principal
	WHERE k.spends_with = ? AND k.tenant IS NOT NULL AND k.revoked_at IS NULL
	AND NOT EXISTS (SELECT 1 FROM api_keys o WHERE o.principal = first.created_by AND o.role = 'operator'))`

// opens refuses a contract that lets a group ask which a tenant has filled before.
// From then on keys of the group are the operator's to create, and it is on that
// word that members agree.
func (c *contractChange) opens(ctx context.Context, tx *sql.Tx) error {
	groups := slices.Clone(c.parsed.Analysts)
	a, err := c.s.catalog.AgreedIn(ctx, tx, c.parsed.Dataset)
	if err == nil {
		groups = slices.DeleteFunc(groups, func(g string) bool { return slices.Contains(a.Latest.Analysts, g) })
	} else if privacy.CodeOf(err) != privacy.CodeUnknownDataset {
		return err
	}
	for _, g := range groups {
		var has bool
		if err := tx.QueryRowContext(ctx, `SELECT `+filled, g).Scan(&has); err != nil {
			return privacy.Internal(err, "reading a group's keys")
		}
		if has {
			return privacy.Errorf(privacy.CodeConflict, "the group %q has keys that a tenant made for itself: the contract would let their holders ask", g).
				Suggest("revoke these keys, or name another group; create the keys of a group once the contract names it")
		}
	}
	return nil
}
