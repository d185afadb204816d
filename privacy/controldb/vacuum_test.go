package controldb_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/privacy/controldb/controltest"
)

// TestNothingIsLeftOfWhatWasChanged: neither in free pages nor in the log, also where
// rows were changed before pages were overwritten.
func TestNothingIsLeftOfWhatWasChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	db := controltest.Open(t, path)
	const canary = "8c1d0c5b4e"
	exec := func(query string, args ...any) {
		t.Helper()
		if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, query, args...)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	exec(`PRAGMA secure_delete = 0`)
	exec(`CREATE TABLE things (id INTEGER PRIMARY KEY, body TEXT)`)
	for i := range 200 {
		exec(`INSERT INTO things (body) VALUES (?)`, fmt.Sprintf("%d %s", i, strings.Repeat(canary, 600)))
	}
	exec(`UPDATE things SET body = 'sealed'`)
	found := func() (n int) {
		t.Helper()
		for _, name := range []string{path, path + "-wal"} {
			text, err := os.ReadFile(name)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			n += bytes.Count(text, []byte(canary))
		}
		return n
	}
	if found() == 0 {
		t.Fatal("nothing is left of what was changed: what is this test for?")
	}
	if err := db.Vacuum(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := found(); n > 0 {
		t.Errorf("%d are left", n)
	}
}
