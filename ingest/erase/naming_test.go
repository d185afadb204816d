package erase_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/privacy"
)

// naming counts the workers that turn ids into pseudonyms, by their directories.
func (h *house) naming() int {
	entries, _ := os.ReadDir(filepath.Join(h.Dir, "tmp", "names"))
	return len(entries)
}

// However many ask at once, few processes are started for it, and all are served.
func TestFewNameAtATime(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	done := make(chan struct{})
	var asked sync.WaitGroup
	for range 6 {
		asked.Go(func() {
			if _, err := h.Create(t.Context(), erase.Request{Dataset: "shop", Tenant: "a", Units: []string{"1"}, By: loader}); err != nil {
				t.Error(err)
			}
		})
	}
	go func() { asked.Wait(); close(done) }()
	most := 0
	h.Eventually("their answers", func() bool {
		most = max(most, h.naming())
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	if most < 1 || most > 2 {
		t.Errorf("%d workers named at a time", most)
	}
	if n := h.Number(`SELECT count(*) FROM erasures`); n != 6 {
		t.Errorf("%d erasures of 6", n)
	}
}

// A caller who hangs up while a worker names, or waits for its turn to, has asked for
// nothing: no erasure, no entry of the log, no worker and nothing of it on the disk.
func TestHangingUpBeforeARequestIsStored(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	before := h.Number(`SELECT count(*) FROM log_leaves`)
	ctx, hangUp := context.WithCancel(t.Context())
	var asked sync.WaitGroup
	for range 4 {
		asked.Go(func() {
			_, err := h.Create(ctx, erase.Request{Dataset: "shop", Tenant: "a", Units: []string{"1"}, By: loader})
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	h.Eventually("a worker", func() bool { return h.naming() > 0 })
	hangUp()
	asked.Wait()
	if n := h.naming(); n > 0 {
		t.Errorf("%d directories are left", n)
	}
	if n := h.Number(`SELECT count(*) FROM erasures`); n != 0 {
		t.Errorf("%d erasures", n)
	}
	if n := h.Number(`SELECT count(*) FROM log_leaves`); n != before {
		t.Errorf("%d entries of the log, and %d before", n, before)
	}
	h.ask("1") // and others are served as before
}

// No worker is started for a request that is refused in any case.
func TestRequestsWithoutRoomAreRefusedAtOnce(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	h.ask("1")
	h.Must(h.DB.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO erasures (id, tenant, tenant_since, dataset, after_load, state, forms, asked, units, created_by, created_at)
			WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			SELECT 'ers_' || i, tenant, tenant_since, dataset, after_load, state, forms, asked, units, created_by, created_at FROM n, erasures WHERE seq = 1`, erase.MaxOpen)
		return err
	}))
	// With an id that only a worker finds to be none.
	_, err := h.Create(t.Context(), erase.Request{Dataset: "shop", Tenant: "a", Units: []string{"x"}, By: loader})
	ingesttest.WantCode(t, err, privacy.CodeRateLimited)
}
