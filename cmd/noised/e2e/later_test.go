package e2e

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// TestALaterStoreIsRefused: a control store that a later version has migrated is not
// opened, and the refusal says which version that was and how to go back. So does
// the check before an upgrade, of data files too.
func TestALaterStoreIsRefused(t *testing.T) {
	r := unpack(t, "testdata/released/v2-plain.tar.gz")
	was := r.digest()
	check(t, program.Run(t.Context(), "upgrade", "--data-dir", r.dir))
	db, err := sql.Open("sqlite", filepath.Join(r.dir, "control.db"))
	check(t, err)
	for _, statement := range []string{
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`,
		`INSERT INTO programs (at, program, migrations) VALUES (1, 'v99.1', '[99999]')`,
		`UPDATE generations SET format_version = 77 WHERE superseded_at IS NULL AND tenant = 'north'`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	check(t, db.Close())
	for _, args := range [][]string{
		{"serve", "--data-dir", r.dir, "--listen", "127.0.0.1:0"},
		{"upgrade", "--data-dir", r.dir},
		{"upgrade", "--rehearse", "--data-dir", r.dir},
		{"ledger", "status", "--data-dir", r.dir},
	} {
		err := program.Run(t.Context(), args...)
		if err == nil || !strings.Contains(err.Error(), "noised v99.1 wrote it: it has migration 99999") || !strings.Contains(err.Error(), "noised upgrade --back") {
			t.Errorf("%v: %v", args, err)
		}
	}
	err = program.Run(t.Context(), "upgrade", "--check", "--data-dir", r.dir)
	if err == nil || !strings.Contains(err.Error(), "a later one wrote it") || !strings.Contains(err.Error(), "format_version 77") {
		t.Errorf("the check says %v", err)
	}
	// This program knows the copy from before its own upgrade.
	check(t, program.Run(t.Context(), "upgrade", "--back", "--data-dir", r.dir, "--yes"))
	if r.digest() != was {
		t.Error("the way back leads to another control store")
	}
	r.start()
	r.sameAsBefore()
}
