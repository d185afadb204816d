package catalog

import (
	"context"
	"database/sql"
	"time"

	"github.com/noised/noised/privacy"
)

// Superseded returns the segments that every generation of which was replaced,
// or that were merged into another one, before the given time. Their files may be removed when no query that began
// before then is still reading; Forget comes after the removal.
func (c *Catalog) Superseded(ctx context.Context, before time.Time) ([]Segment, error) {
	rows, err := c.db.QueryContext(ctx, `SELECT s.id, s.table_name, s.path, s.rows, s.bytes, s.sha256, s.region FROM segments s
		WHERE NOT EXISTS (
			SELECT 1 FROM generation_segments gs JOIN generations g ON g.id = gs.generation
			WHERE gs.segment = s.id AND (g.superseded_at IS NULL OR g.superseded_at >= ?))
		AND (s.replaced_at IS NULL OR s.replaced_at < ?)
		ORDER BY s.id`, before.UnixMicro(), before.UnixMicro())
	if err != nil {
		return nil, privacy.Internal(err, "listing superseded segments")
	}
	defer rows.Close()
	var segments []Segment
	for rows.Next() {
		var s Segment
		if err := rows.Scan(&s.ID, &s.Table, &s.Path, &s.Rows, &s.Bytes, &s.SHA256, &s.Region); err != nil {
			return nil, privacy.Internal(err, "listing superseded segments")
		}
		segments = append(segments, s)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "listing superseded segments")
	}
	return segments, nil
}

// Forget drops segments whose files have been removed. A segment that a
// current generation uses is CodeConflict, and then none is dropped; an
// unknown one is ignored.
func (c *Catalog) Forget(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range ids {
			var used bool
			err := tx.QueryRowContext(ctx, `SELECT EXISTS (
				SELECT 1 FROM generation_segments gs JOIN generations g ON g.id = gs.generation
				WHERE gs.segment = ? AND g.superseded_at IS NULL)`, id).Scan(&used)
			if err != nil {
				return privacy.Internal(err, "forgetting a segment")
			}
			if used {
				return privacy.Errorf(privacy.CodeConflict, "segment %q is in use", clip(id))
			}
			if _, err := exec(ctx, tx, "forgetting a segment", `DELETE FROM generation_segments WHERE segment = ?`, id); err != nil {
				return err
			}
			if _, err := exec(ctx, tx, "forgetting a segment", `DELETE FROM segments WHERE id = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
}
