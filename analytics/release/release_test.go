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
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/translog"
)

func core(n int) release.Core {
	return release.Core{
		Key: fmt.Sprintf("key-%d", n), Charge: fmt.Sprintf("chg_%d", n), Noised: []byte("core"),
		Release: release.Release{ID: fmt.Sprintf("rel_%d", n), Dataset: "visits", ContractVersion: 2,
			Epsilon: 0.5, Delta: 1e-9, CreatedAt: time.UnixMicro(1_700_000_000_000_000).UTC()},
	}
}

func open(t *testing.T) (*controldb.DB, *release.Store) {
	t.Helper()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	return db, release.New(db)
}

func put(t *testing.T, db *controldb.DB, s *release.Store, c release.Core) error {
	t.Helper()
	return db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return s.Put(ctx, tx, c) })
}

// serve records a reader, and reports whether he is new.
func serve(t *testing.T, db *controldb.DB, s *release.Store, v release.View) (first bool) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) (err error) {
		first, err = s.Serve(ctx, tx, v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func TestWhatIsStoredIsFound(t *testing.T) {
	db, s := open(t)
	want := core(1)
	if err := put(t, db, s, want); err != nil {
		t.Fatal(err)
	}
	got, ok, err := s.ByKey(t.Context(), "key-1")
	if err != nil || !ok || cmp.Diff(want, got) != "" {
		t.Errorf("by key: found %t, %v\n%s", ok, err, cmp.Diff(want, got))
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
	if err := put(t, db, s, core(1)); err != nil {
		t.Fatal(err)
	}
	sameKey, sameCharge := core(2), core(3)
	sameKey.Key, sameCharge.Charge = "key-1", "chg_1"
	for name, c := range map[string]release.Core{"key": sameKey, "charge": sameCharge} {
		if err := put(t, db, s, c); privacy.CodeOf(err) != privacy.CodeConflict {
			t.Errorf("a second release for one %s: %v, want conflict", name, err)
		}
	}
	if got, _, _ := s.ByKey(t.Context(), "key-1"); got.ID != "rel_1" {
		t.Errorf("the release of the key is %s now, want rel_1", got.ID)
	}
}

// TestReadersSeeTheirOwnView: one core, two readers, and neither sees what the
// other wrote or how often he asked.
func TestReadersSeeTheirOwnView(t *testing.T) {
	db, s := open(t)
	if err := put(t, db, s, core(1)); err != nil {
		t.Fatal(err)
	}
	a := release.View{Release: "rel_1", Principal: "key_a", SQL: "SELECT 1 AS a", Result: []byte("A")}
	b := release.View{Release: "rel_1", Principal: "key_b", SQL: "SELECT 1 AS b", Result: []byte("B"), Cached: true}
	if !serve(t, db, s, a) || !serve(t, db, s, b) {
		t.Error("a new reader was not new")
	}
	again := b
	again.SQL, again.Result = "SELECT 2", []byte("other")
	if serve(t, db, s, again) {
		t.Error("an old reader was new")
	}
	for _, want := range []struct {
		view release.View
		hits int64
	}{{a, 0}, {b, 2}} {
		got, err := s.Read(t.Context(), want.view.Principal, "rel_1")
		if err != nil || got.SQL != want.view.SQL || string(got.Result) != string(want.view.Result) || got.CachedHits != want.hits {
			t.Errorf("%s reads %+v, %v, want %+v", want.view.Principal, got, err, want)
		}
	}
	if _, err := s.Read(t.Context(), "key_c", "rel_1"); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("a principal that was never served: %v, want not-found", err)
	}
}

func TestListPages(t *testing.T) {
	db, s := open(t)
	for n := range 5 {
		if err := put(t, db, s, core(n)); err != nil {
			t.Fatal(err)
		}
		serve(t, db, s, release.View{Release: core(n).ID, Principal: "key_a", SQL: "SELECT", Result: []byte("A")})
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
