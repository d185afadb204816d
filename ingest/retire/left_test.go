package retire_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/noised/noised/ingest/job"
)

// TestRejectedRowsThatACrashLeft: the process died after its load had put rejected rows
// in their place, and before it took them away, for the dataset had been deleted and
// swept by then.
func TestRejectedRowsThatACrashLeft(t *testing.T) {
	h := newHouse(t)
	stop := h.Start()
	stop()
	l := h.send("birds", rows(canary))
	h.Must(h.DB.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE loads SET state = 'running', attempts = 1, segment = 'seg_x' WHERE id = ?`, l.ID)
		return err
	}))
	h.Must(h.Delete(t.Context(), "birds", operator))
	h.Sweep(t.Context())
	h.swept("birds")
	path := filepath.Join(h.Dir, "tenants", "a", "rejects", l.ID+".ndjson") // keepRejects
	h.Must(os.MkdirAll(filepath.Dir(path), 0o700))
	h.Must(os.WriteFile(path, []byte(canary), 0o600))

	next := open(t, h.Dir) // the next start
	next.Start()
	if l := next.load("trees", rows(keep)); l.State != job.StateSucceeded {
		t.Fatalf("%+v", l)
	}
	if left := next.Holding(canary); left != nil {
		t.Errorf("it is in %v", left)
	}
}
