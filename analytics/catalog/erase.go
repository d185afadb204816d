package catalog

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Erase makes g the current generation of its tenant, in the caller's transaction,
// and marks all earlier ones as erased: their files are about to go, and who was to
// read them reads g. g was built on the generation with the id expected, by leaving
// out the rows of some units, or is empty where there was none; when another one has
// been published since, Erase fails with CodeConflict and changes nothing.
//
// Unlike [Catalog.Publish] it asks for no membership. Who has left a dataset must
// still be able to erase people from what is there, and to take rows away needs no
// one's agreement. For the same reason g keeps the contract version of what it was
// built on.
func (c *Catalog) Erase(ctx context.Context, tx *sql.Tx, g Generation, expected string) error {
	const doing = "erasing from a generation"
	head, exists, err := head(ctx, tx, g.Dataset, g.Tenant)
	if err != nil {
		return err
	}
	if head.ID != expected || g.Tenant == Public {
		return overtaken()
	}
	if exists && head.Version != g.Version {
		return privacy.Errorf(privacy.CodeConflict, "an erasure keeps the version of its data")
	}
	now := c.now().UnixMicro()
	if _, err := exec(ctx, tx, doing, `UPDATE generations SET superseded_at = ? WHERE id = ? AND superseded_at IS NULL`, now, head.ID); err != nil {
		return err
	}
	if _, err := exec(ctx, tx, doing, `UPDATE generations SET erased_at = ? WHERE dataset = ? AND tenant = ? AND erased_at IS NULL`, now, g.Dataset, g.Tenant); err != nil {
		return err
	}
	if err := insertGeneration(ctx, tx, g, expected); err != nil {
		return err
	}
	return c.log(ctx, tx, translog.KindGeneration, act{
		Act: "publish", Dataset: g.Dataset, Tenant: g.Tenant, Version: g.Version, Generation: g.ID, FormatVersion: g.FormatVersion,
	})
}

// Erased reports whether an erasure took the files of one of these generations.
func (c *Catalog) Erased(ctx context.Context, generations []string) (bool, error) {
	list, err := json.Marshal(append([]string{}, generations...))
	if err != nil {
		return false, privacy.Internal(err, "looking for erased generations")
	}
	var erased bool
	err = c.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM json_each(?) w JOIN generations g ON g.id = w.value WHERE g.erased_at IS NOT NULL)`,
		string(list)).Scan(&erased)
	if err != nil {
		return false, privacy.Internal(err, "looking for erased generations")
	}
	return erased, nil
}

// Replaced lists the segments of a tenant and a dataset that no current generation
// has, however long they were to be kept: of generations that were superseded, and
// of those that were merged into others.
func (c *Catalog) Replaced(ctx context.Context, dataset, tenant string) ([]Segment, error) {
	const doing = "listing replaced segments"
	// '0' comes after '/', so that this is everything in the directory.
	rows, err := c.db.QueryContext(ctx, `SELECT s.id, s.path, s.region FROM segments s WHERE s.path >= ?1 || '/' AND s.path < ?1 || '0'
		AND NOT EXISTS (SELECT 1 FROM generation_segments gs JOIN generations g ON g.id = gs.generation
			WHERE gs.segment = s.id AND g.superseded_at IS NULL) ORDER BY s.id`, under(tenant, dataset))
	if err != nil {
		return nil, privacy.Internal(err, doing)
	}
	defer rows.Close()
	var found []Segment
	for rows.Next() {
		var s Segment
		if err := rows.Scan(&s.ID, &s.Path, &s.Region); err != nil {
			return nil, privacy.Internal(err, doing)
		}
		found = append(found, s)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, doing)
	}
	return found, nil
}

// under is the directory of a tenant's files of a dataset, as paths of segments have it.
func under(tenant, dataset string) string {
	if tenant == Public {
		return "public/" + dataset
	}
	return "tenants/" + tenant + "/" + dataset
}
