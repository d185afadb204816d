package release_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
)

// TestShreddedReleasesAreNotShown, those that did not open before included: nobody can
// keep a dataset by changing what is stored of it.
func TestShreddedReleasesAreNotShown(t *testing.T) {
	db, plain := open(t)
	s := release.New(db).WithKeys(keyring.New(db, keyringtest.Wrapper{}, time.Now))
	for i := range 3 {
		c := core(i)
		ask(t, db, s, c, release.View{Release: c.ID, Principal: "key_a", SQL: "SELECT 1", Result: []byte("a result")})
	}
	if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE releases SET core = substr(core, 1, length(core) - 1) WHERE id = 'rel_1'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var unopened []string
	shred := func(s *release.Store) error {
		return db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) (err error) {
			unopened, err = s.ShredIn(ctx, tx, "visits")
			return err
		})
	}
	if err := shred(plain); err == nil {
		t.Error("shredded without keys, and so without the digests by which the log verifies")
	}
	if err := shred(s); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(unopened, []string{"rel_1"}) {
		t.Errorf("did not open: %v, want rel_1", unopened)
	}
	for i := range 3 {
		if _, ok, err := s.ByKey(t.Context(), core(i).Key); ok || privacy.CodeOf(err) != privacy.CodeNotFound {
			t.Errorf("release %d by its key: %t, %v", i, ok, err)
		}
		if r, err := s.Read(t.Context(), "key_a", core(i).ID); privacy.CodeOf(err) != privacy.CodeNotFound {
			t.Errorf("release %d is shown: %q, %v", i, r.Result, err)
		}
	}
}
