package controldb

import (
	"context"
	"time"

	"github.com/noised/noised/privacy"
)

// scrubPause is the pause between attempts to empty the write-ahead log.
const scrubPause = 10 * time.Millisecond

// Scrub empties the write-ahead log, so that what was deleted from the store is
// nowhere in its files any more: pages are overwritten when rows go (secure_delete),
// and the log has older copies of them until then. It waits for statements that read
// an older state, and fails with CodeUnavailable when they take too long.
func (d *DB) Scrub(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	for {
		var busy, frames, done int
		err := d.writer.QueryRowContext(wait, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done)
		if err != nil && !isBusy(err) {
			return unavailable(err)
		}
		if err == nil && busy == 0 {
			return nil
		}
		if pause(wait, scrubPause) != nil {
			return privacy.Errorf(privacy.CodeUnavailable, "the control store is busy; try again")
		}
	}
}
