package lineage_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// two returns a store in which a and b have loaded persons, and a release that
// read them: of a the first load alone.
func two(t *testing.T) (s *store, a, b, rel string) {
	s = open(t)
	s.tenant("a")
	s.tenant("b")
	s.tenant("c")
	s.apply("visits", 1, []string{city, person}, "a", "b", "c")
	a = s.load("visits", "a", "person", 1, "append", catalog.Generation{}, nil)
	b = s.load("visits", "b", "person", 1, "append", catalog.Generation{}, nil)
	rel = s.release("visits", 1, []string{"person"}, []string{"a", "b", "c"})
	head, _, err := s.catalog.Head(t.Context(), "visits", "a")
	s.ok(err)
	s.load("visits", "a", "person", 1, "append", head, head.Segments)
	return s, a, b, rel
}

func ids(loads []lineage.Load) (all []string) {
	for _, l := range loads {
		all = append(all, l.ID)
	}
	return all
}

func (s *store) missing(what string, err error) {
	s.t.Helper()
	if privacy.CodeOf(err) != privacy.CodeNotFound {
		s.t.Errorf("%s: %v, want not-found", what, err)
	}
}

// TestWhoSeesWhat: readers and auditors see every load and nothing that tells of
// rows; a tenant sees all of its own loads and none of the others'; nobody else
// learns that the release exists.
func TestWhoSeesWhat(t *testing.T) {
	s, a, b, rel := two(t)
	ctx := t.Context()
	reader, err := s.ForReader(ctx, "key_reader", rel)
	s.ok(err)
	want := lineage.Release{
		ID: rel, Dataset: "visits", Version: 1, Epsilon: 1, Delta: 1e-9, Complete: true,
		Inputs: []lineage.Input{
			{Tenant: "a", Table: "person", Version: 1, Loads: []string{a}},
			{Tenant: "b", Table: "person", Version: 1, Loads: []string{b}},
			{Tenant: "c"}, // had loaded nothing
		},
		Loads: []lineage.Load{
			{ID: a, Tenant: "a", Dataset: "visits", Table: "person", Write: "append", Format: "csv", By: "key_a"},
			{ID: b, Tenant: "b", Dataset: "visits", Table: "person", Write: "append", Format: "csv", By: "key_b"},
		},
	}
	ignore := cmp.Options{cmpopts.IgnoreFields(lineage.Input{}, "Generation"), cmpopts.IgnoreFields(lineage.Load{}, "Generation", "At"), cmpopts.IgnoreFields(lineage.Release{}, "At")}
	if d := cmp.Diff(want, reader, ignore); d != "" {
		t.Errorf("a reader sees (-want +got):\n%s", d)
	}
	for name, f := range map[string]func(context.Context, string) (lineage.Release, error){"operator": s.ForOperator, "auditor": s.ForAuditor} {
		if got, err := f(ctx, rel); err != nil || cmp.Diff(reader, got) != "" {
			t.Errorf("the %s sees another lineage than a reader: %v\n%s", name, err, cmp.Diff(reader, got))
		}
	}
	own, err := s.ForTenant(ctx, "a", rel)
	s.ok(err)
	if !slices.Equal(ids(own.Loads), []string{a}) || own.Loads[0].Own == nil || own.Loads[0].Own.Bytes != 77 || own.Loads[0].Own.SHA256 != "abc" {
		t.Errorf("tenant a sees the loads %+v, want its own, all of it", own.Loads)
	}
	if len(own.Inputs) != 3 || own.Inputs[1].Generation != reader.Inputs[1].Generation || own.Inputs[1].Loads != nil {
		t.Errorf("tenant a sees the inputs %+v, want b's generation without its loads", own.Inputs)
	}
	_, err = s.ForReader(ctx, "key_other", rel)
	s.missing("a principal that was not served", err)
	_, err = s.ForTenant(ctx, "c", rel)
	s.missing("a tenant whose rows were not there to be read", err)
	_, err = s.ForAuditor(ctx, "rel_none")
	s.missing("a release that does not exist", err)
}

func TestALoadIsItsOwners(t *testing.T) {
	s, a, _, rel := two(t)
	ctx := t.Context()
	fed, err := s.FromLoad(ctx, "a", a)
	s.ok(err)
	if len(fed.Releases) != 1 || fed.Releases[0].Release != rel || fed.Load.Own == nil || !fed.Complete {
		t.Errorf("from load %s: %+v", a, fed)
	}
	for _, other := range []string{"b", "c", catalog.Public} {
		_, err = s.FromLoad(ctx, other, a)
		s.missing("a load asked for by "+other, err)
	}
	public := s.load("visits", catalog.Public, "city", 1, "append", catalog.Generation{}, nil)
	if fed, err = s.FromLoad(ctx, catalog.Public, public); err != nil || len(fed.Releases) != 0 {
		t.Errorf("the operator's load: %+v, %v", fed, err)
	}
}

// TestANamesakeInheritsNothing: a tenant that is created anew sees nothing of the
// one that had its name.
func TestANamesakeInheritsNothing(t *testing.T) {
	s, a, _, rel := two(t)
	s.ok(s.catalog.DeleteTenant(t.Context(), "a", admin))
	s.tenant("a")
	_, err := s.ForTenant(t.Context(), "a", rel)
	s.missing("the release", err)
	_, err = s.FromLoad(t.Context(), "a", a)
	s.missing("the load", err)
	if got, err := s.ForAuditor(t.Context(), rel); err != nil || len(got.Loads) != 2 {
		t.Errorf("the auditor sees %+v, %v, want both loads still", got, err)
	}
}

// TestADroppedTableStaysDropped: a version that does not declare a table lets go
// of its rows, and one that declares it again does not bring them back.
func TestADroppedTableStaysDropped(t *testing.T) {
	s := open(t)
	s.tenant("a")
	s.apply("visits", 1, []string{person, visit}, "a")
	old := s.load("visits", "a", "visit", 1, "append", catalog.Generation{}, nil)
	base, _, err := s.catalog.Head(t.Context(), "visits", "a")
	s.ok(err)
	s.apply("visits", 2, []string{person}, "a")
	s.load("visits", "a", "person", 2, "append", base, nil)
	s.apply("visits", 3, []string{person, visit}, "a")
	base, _, err = s.catalog.Head(t.Context(), "visits", "a")
	s.ok(err)
	now := s.load("visits", "a", "visit", 3, "append", base, base.Segments)
	rel := s.release("visits", 3, []string{"visit"}, []string{"a"})
	got, err := s.ForAuditor(t.Context(), rel)
	s.ok(err)
	if !slices.Equal(ids(got.Loads), []string{now}) {
		t.Errorf("visits come from %v, want %s alone, not %s", ids(got.Loads), now, old)
	}
	if fed, err := s.FromLoad(t.Context(), "a", old); err != nil || len(fed.Releases) != 0 {
		t.Errorf("the dropped load fed %v, %v", fed.Releases, err)
	}
}

// TestOldReleasesAreDerivedAndSaySo: what is on record from before lineage was
// noted leads to what was current when it was paid for.
func TestOldReleasesAreDerivedAndSaySo(t *testing.T) {
	s, a, b, rel := two(t)
	path := filepath.Join(t.TempDir(), "old.db")
	s.tx(func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO log_leaves (idx, leaf) VALUES (9999, x'00')`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO charges (id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units, state, release, nonce, leaf, at)
			SELECT id, id, 'key_reader', dataset, '["a","b","c"]', 1, 0, 0, 0, 'released', id, zeroblob(32), 9999, created_at FROM releases`)
		return err
	})
	old, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path))
	s.ok(err)
	defer old.Close()
	_, err = s.db.QueryContext(t.Context(), "SELECT 1")
	s.ok(err)
	s.ok(vacuumInto(t.Context(), s, path))
	for _, undo := range []string{
		"DROP INDEX releases_by_dataset", "DROP TABLE release_reads", "DROP TABLE release_lineage", "DROP TRIGGER generations_are_kept", "DROP TRIGGER generations_keep_their_base",
		"DROP INDEX generations_by_base", "ALTER TABLE generations DROP COLUMN tables", "ALTER TABLE generations DROP COLUMN base",
		"DELETE FROM goose_db_version WHERE version_id = 61",
	} {
		_, err := old.ExecContext(t.Context(), undo)
		s.ok(err)
	}
	s.ok(old.Close())
	db, err := controldb.Open(t.Context(), path) // applies the migration
	s.ok(err)
	defer db.Close()
	got, err := lineage.New(db).ForAuditor(t.Context(), rel)
	s.ok(err)
	if got.Complete || !slices.Equal(ids(got.Loads), []string{a, b}) || len(got.Inputs) != 3 {
		t.Errorf("derived: %+v, want the loads %s and %s, not called complete", got, a, b)
	}
	fed, err := lineage.New(db).FromLoad(t.Context(), "a", a)
	s.ok(err)
	if fed.Complete || len(fed.Releases) != 1 {
		t.Errorf("derived forward: %+v, want the one release, not called complete", fed)
	}
}

// vacuumInto copies the store as it is to a file.
func vacuumInto(ctx context.Context, s *store, path string) error {
	var file string
	if err := s.db.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// TestWhatIsNotedStays: lineage is append-only, whatever a later program tries.
func TestWhatIsNotedStays(t *testing.T) {
	s, _, _, _ := two(t)
	for _, change := range []string{
		"DELETE FROM release_reads", "UPDATE release_reads SET generation = ''", "UPDATE release_lineage SET tables = '[]'", "DELETE FROM release_lineage",
		"UPDATE generations SET base = ''", "DELETE FROM generations",
	} {
		err := s.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, change)
			return err
		})
		if err == nil {
			t.Errorf("%s was done", change)
		}
	}
}

// TestTimesOfOthersAreFullSeconds: how long a load took tells of its rows, and so
// nobody sees more of its time than when it came.
func TestTimesOfOthersAreFullSeconds(t *testing.T) {
	s, _, _, rel := two(t)
	got, err := s.ForAuditor(t.Context(), rel)
	s.ok(err)
	for _, l := range got.Loads {
		if l.At != l.At.Truncate(time.Second) {
			t.Errorf("%s came at %s", l.ID, l.At)
		}
	}
}
