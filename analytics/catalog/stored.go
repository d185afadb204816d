package catalog

import (
	"context"

	"github.com/noised/noised/privacy"
)

// Stored returns how many bytes a tenant's files have: those of data in force, and
// those together with what loads have replaced and the next sweep will remove.
// Files that were merged into others count once, as the others.
func (c *Catalog) Stored(ctx context.Context, from reader, tenant string) (data, files int64, err error) {
	// '0' comes after '/', so that this is everything in the tenant's directory.
	err = from.QueryRowContext(ctx, `SELECT coalesce(sum(iif(EXISTS (
			SELECT 1 FROM generation_segments gs JOIN generations g ON g.id = gs.generation
			WHERE gs.segment = s.id AND g.superseded_at IS NULL), bytes, 0)), 0), coalesce(sum(bytes), 0)
		FROM segments s WHERE path >= ?1 || '/' AND path < ?1 || '0' AND replaced_at IS NULL`, "tenants/"+tenant).Scan(&data, &files)
	if err != nil {
		return 0, 0, privacy.Internal(err, "reading what a tenant stores")
	}
	return data, files, nil
}
