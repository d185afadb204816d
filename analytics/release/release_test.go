package release_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

func stored(n int) release.Stored {
	return release.Stored{
		Key: fmt.Sprintf("key-%d", n), Charge: fmt.Sprintf("chg_%d", n), Core: []byte("core"), Result: []byte("arrow"),
		Release: release.Release{ID: fmt.Sprintf("rel_%d", n), Dataset: "visits", ContractVersion: 2, SQL: "SELECT COUNT(*) FROM visits",
			Epsilon: 0.5, Delta: 1e-9, CreatedAt: time.UnixMicro(1_700_000_000_000_000).UTC()},
	}
}

func open(t *testing.T) (*controldb.DB, *release.Store) {
	t.Helper()
	db, err := controldb.Open(t.Context(), filepath.Join(t.TempDir(), "control.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, release.New(db)
}

func put(t *testing.T, db *controldb.DB, s *release.Store, r release.Stored, reader string) error {
	t.Helper()
	return db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return s.Put(ctx, tx, r, reader) })
}

func TestWhatIsStoredIsFound(t *testing.T) {
	db, s := open(t)
	want := stored(1)
	if err := put(t, db, s, want, "key_a"); err != nil {
		t.Fatal(err)
	}
	got, ok, err := s.ByKey(t.Context(), "key-1")
	if err != nil || !ok || cmp.Diff(want, got) != "" {
		t.Errorf("by key: found %t, %v\n%s", ok, err, cmp.Diff(want, got))
	}
	got, err = s.Read(t.Context(), "key_a", "rel_1")
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("by id: %v\n%s", err, cmp.Diff(want, got))
	}
	if _, ok, err := s.ByKey(t.Context(), "key-2"); ok || err != nil {
		t.Errorf("a key without a release: found %t, %v", ok, err)
	}
	size, _, err := translog.Head(t.Context(), db)
	if err != nil || size != 1 {
		t.Errorf("the log has %d leaves, %v, want the release's", size, err)
	}
}

// TestOneReleasePerChargeAndKey is what makes redeeming safe to race.
func TestOneReleasePerChargeAndKey(t *testing.T) {
	db, s := open(t)
	if err := put(t, db, s, stored(1), "key_a"); err != nil {
		t.Fatal(err)
	}
	sameKey, sameCharge := stored(2), stored(3)
	sameKey.Key, sameCharge.Charge = "key-1", "chg_1"
	for name, r := range map[string]release.Stored{"key": sameKey, "charge": sameCharge} {
		if err := put(t, db, s, r, "key_a"); privacy.CodeOf(err) != privacy.CodeConflict {
			t.Errorf("a second release for one %s: %v, want conflict", name, err)
		}
		if _, err := s.Read(t.Context(), "key_a", r.ID); privacy.CodeOf(err) != privacy.CodeNotFound {
			t.Errorf("the refused release is there: %v", err)
		}
	}
}

func TestReaders(t *testing.T) {
	db, s := open(t)
	if err := put(t, db, s, stored(1), "key_a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), "key_b", "rel_1"); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("a principal that never asked: %v, want not-found", err)
	}
	for range 2 {
		if err := s.Hit(t.Context(), "rel_1", "key_b"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Read(t.Context(), "key_b", "rel_1")
	if err != nil || got.CachedHits != 2 {
		t.Errorf("after two hits: %d counted, %v", got.CachedHits, err)
	}
}

func TestListPages(t *testing.T) {
	db, s := open(t)
	for n := range 5 {
		if err := put(t, db, s, stored(n), "key_a"); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	cursor := ""
	for page := 0; page == 0 || cursor != ""; page++ {
		items, next, err := s.List(t.Context(), "key_a", cursor, 2)
		if err != nil || len(items) > 2 {
			t.Fatalf("page %d: %d items, %v", page, len(items), err)
		}
		for _, r := range items {
			ids = append(ids, r.ID)
		}
		cursor = next
	}
	if d := cmp.Diff([]string{"rel_4", "rel_3", "rel_2", "rel_1", "rel_0"}, ids); d != "" {
		t.Errorf("newest first (-want +got):\n%s", d)
	}
	if _, _, err := s.List(t.Context(), "key_a", "no cursor", 2); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("a made-up cursor: %v", err)
	}
	if items, _, err := s.List(t.Context(), "key_b", "", 2); err != nil || len(items) != 0 {
		t.Errorf("another principal sees %d releases, %v", len(items), err)
	}
}
