package catalog

import (
	"context"
	"database/sql"
	"time"

	"github.com/noised/noised/privacy"
)

// Scattered is a table of a current generation whose rows lie in several
// segments, all with ranks.
type Scattered struct {
	Dataset, Tenant, Table string
	Region                 string // of the tenant
	Generation             string
	Version                int // of the contract that the generation was loaded under
	Segments               []Segment
}

// Scattered lists the tables that could be read faster from one segment, of the
// tenants' generations that were published before a time; and with encrypting those
// that have a segment without a data key, which is plain. Public tables have no
// ranks and are left out.
func (c *Catalog) Scattered(ctx context.Context, before time.Time, encrypting bool) ([]Scattered, error) {
	const doing = "listing scattered tables"
	rows, err := c.db.QueryContext(ctx, `SELECT g.dataset, g.tenant, t.region, s.table_name, g.id, g.version
		FROM generations g JOIN generation_segments gs ON gs.generation = g.id JOIN segments s ON s.id = gs.segment
			JOIN tenants t ON t.name = g.tenant
		WHERE g.superseded_at IS NULL AND g.tenant <> '' AND g.at < ?
		GROUP BY g.id, s.table_name HAVING count(s.ranks) = count(*) AND (count(*) > 1
			OR ? AND NOT min(EXISTS (SELECT 1 FROM data_keys k WHERE k.tenant = g.tenant AND k.name = 'segment:' || s.id)))
		ORDER BY g.at, g.id, s.table_name`, before.UnixMicro(), encrypting)
	if err != nil {
		return nil, privacy.Internal(err, doing)
	}
	defer rows.Close()
	var found []Scattered
	for rows.Next() {
		var t Scattered
		if err := rows.Scan(&t.Dataset, &t.Tenant, &t.Region, &t.Table, &t.Generation, &t.Version); err != nil {
			return nil, privacy.Internal(err, doing)
		}
		found = append(found, t)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, doing)
	}
	return found, nil
}

// Compact lets one segment take the place of all those of a table in a current
// generation, in the caller's transaction. It has the same rows, so there is no
// new generation, no word in the log, and releases stay what they are. When the
// generation is no longer current, or no longer has just these segments, Compact
// fails with CodeConflict and changes nothing.
func (c *Catalog) Compact(ctx context.Context, tx *sql.Tx, t Scattered, into Segment) error {
	const doing = "compacting a table"
	g, _, err := head(ctx, tx, t.Dataset, t.Tenant)
	if err != nil {
		return err
	}
	if g.ID != t.Generation || !sameSegments(g.Of(t.Table), t.Segments) || len(t.Segments) == 0 {
		return privacy.Errorf(privacy.CodeConflict, "the generation has changed")
	}
	var ordinal int
	err = tx.QueryRowContext(ctx, `SELECT ordinal FROM generation_segments WHERE generation = ? AND segment = ?`, t.Generation, t.Segments[0].ID).Scan(&ordinal)
	if err != nil {
		return privacy.Internal(err, doing)
	}
	for _, s := range t.Segments {
		if _, err := exec(ctx, tx, doing, `DELETE FROM generation_segments WHERE generation = ? AND segment = ?`, t.Generation, s.ID); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, doing, `UPDATE segments SET replaced_at = ? WHERE id = ?`, c.now().UnixMicro(), s.ID); err != nil {
			return err
		}
	}
	if err := insertSegment(ctx, tx, t.Tenant, into); err != nil {
		return err
	}
	_, err = exec(ctx, tx, doing, `INSERT INTO generation_segments (generation, ordinal, segment) VALUES (?, ?, ?)`, t.Generation, ordinal, into.ID)
	return err
}

func sameSegments(a, b []Segment) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID {
			return false
		}
	}
	return true
}
