package controldb

import (
	"context"
	"fmt"

	"github.com/noised/noised/privacy"
)

// Vacuum writes the store anew, so that nothing is left in its files of what was
// changed or deleted before pages were overwritten: see [DB.Scrub]. It takes the time
// and the memory of copying the store, and fails with CodeUnavailable when others use
// it without a pause.
func (d *DB) Vacuum(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	err := retryBusy(wait, func() error {
		_, err := d.writer.ExecContext(ctx, "VACUUM")
		return err
	})
	if privacy.CodeOf(err) == privacy.CodeUnavailable {
		return err
	}
	if err != nil {
		return privacy.Internal(fmt.Errorf("vacuum: %w", err), "writing the control store anew")
	}
	return d.Scrub(ctx)
}
