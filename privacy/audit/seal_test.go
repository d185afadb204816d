package audit_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
)

// TestWhatCallersWroteIsSealed: also what was on record before, once, and nothing else
// of a refusal can change; it is found as it was.
func TestWhatCallersWroteIsSealed(t *testing.T) {
	f := open(t)
	record := func(name string) {
		f.Record(audit.Refusal{At: f.at, Principal: "key_a", Code: privacy.CodeNotFound, Params: map[string]string{"dataset": name}})
		if err := f.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	record("canary-1")
	f.Recorder = audit.New(audit.Options{DB: f.db, Now: func() time.Time { return f.at }, Keys: keyring.New(f.db, keyringtest.Wrapper{}, time.Now)})
	record("canary-2")
	same := func() {
		t.Helper()
		var names []string
		for _, r := range f.search(audit.Search{}) {
			names = append(names, r.Params["dataset"])
		}
		if diff := cmp.Diff([]string{"canary-2", "canary-1"}, names); diff != "" {
			t.Error(diff)
		}
	}
	same()
	for want := 1; want >= 0; want-- {
		if err := f.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			n, err := f.SealPlain(ctx, tx, 10)
			if n != want {
				t.Errorf("sealed %d, want %d", n, want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	same()
	var stored string
	if err := f.db.QueryRowContext(t.Context(), `SELECT group_concat(params) FROM refusals`).Scan(&stored); err != nil || strings.Contains(stored, "canary") {
		t.Errorf("%q, %v", stored, err)
	}
	for _, change := range []string{`UPDATE refusals SET params = '{}'`, `UPDATE refusals SET code = 'forbidden'`, `UPDATE refusals SET params = char(1) || params`} {
		if err := f.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { _, err := tx.ExecContext(ctx, change); return err }); err == nil {
			t.Errorf("%s was accepted", change)
		}
	}
}
