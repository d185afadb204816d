package release_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
)

func ask(t *testing.T, db *controldb.DB, s *release.Store, c release.Core, v release.View) {
	t.Helper()
	if err := put(t, db, s, c); err != nil {
		t.Fatal(err)
	}
	serve(t, db, s, v)
}

// TestReleasesAreSealed: with keys nothing of a result and of its SQL is in the
// store, what was there before is sealed when asked, and all of it is read as ever;
// without keys it is not.
func TestReleasesAreSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	db, err := controldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	plain := release.New(db)
	ring := keyring.New(db, keyringtest.Wrapper{}, time.Now)
	sealed := release.New(db).WithKeys(ring)
	cores := []release.Core{core(1), core(2)}
	views := make([]release.View, 2)
	for i, s := range []*release.Store{plain, sealed} {
		cores[i].Noised = []byte("canary in a core")
		purpose := "canary in a purpose"
		cores[i].Purpose = purpose
		views[i] = release.View{Release: cores[i].ID, Principal: "key_a", SQL: "SELECT 'canary in SQL'", Result: []byte("canary in a result"), Purpose: purpose}
		ask(t, db, s, cores[i], views[i])
	}
	written := cmpopts.IgnoreFields(release.Core{}, "Purpose") // and never read with a core
	same := func() {
		t.Helper()
		for i := range cores {
			got, ok, err := sealed.ByKey(t.Context(), cores[i].Key)
			if err != nil || !ok || cmp.Diff(cores[i], got, written) != "" {
				t.Errorf("by key: %t, %v\n%s", ok, err, cmp.Diff(cores[i], got, written))
			}
			r, err := sealed.Read(t.Context(), "key_a", cores[i].ID)
			if err != nil || r.SQL != views[i].SQL || r.Purpose != views[i].Purpose || string(r.Result) != string(views[i].Result) {
				t.Errorf("%+v, %v", r, err)
			}
		}
		items, _, err := sealed.List(t.Context(), "key_a", "", 10)
		if err != nil || len(items) != 2 || items[0].SQL != views[1].SQL || items[1].SQL != views[0].SQL {
			t.Errorf("%+v, %v", items, err)
		}
	}
	same()
	for want := 2; want >= 0; want -= 2 {
		if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			n, err := sealed.SealPlain(ctx, tx, 100)
			if n != want {
				t.Errorf("sealed %d, want %d", n, want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	same()
	if _, err := plain.Read(t.Context(), "key_a", cores[0].ID); err == nil {
		t.Error("it opens without keys")
	}
	if _, err := sealed.Read(t.Context(), "key_b", cores[0].ID); err == nil {
		t.Error("another reads it")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
