package job

import (
	"context"
	"database/sql"
	"time"

	"github.com/noised/noised/privacy"
)

// unpublishedFor is how long the key of a segment stays that was not published. No
// load takes so long.
const unpublishedFor = 7 * 24 * time.Hour

// sweepKeys forgets the keys of segments that were never published.
func (s *Service) sweepKeys(ctx context.Context) error {
	before := s.o.Now().Add(-unpublishedFor).UnixMicro()
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM data_keys WHERE name LIKE 'segment:%' AND created_at < ?
			AND NOT EXISTS (SELECT 1 FROM segments WHERE id = substr(name, 9))`, before)
		if err != nil {
			return privacy.Internal(err, "forgetting keys")
		}
		return nil
	})
}
