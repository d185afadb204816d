package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/ingest/hold"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// site is a data directory, the store of which is open as under a server, and a
// repository.
type site struct {
	t    *testing.T
	data string
	db   *controldb.DB
	key  *Key
	repo *Repository
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, data: filepath.Join(t.TempDir(), "data")}
	check(t, os.Mkdir(s.data, 0o700))
	var err error
	s.db, err = controldb.Open(t.Context(), filepath.Join(s.data, controlFile))
	check(t, err)
	t.Cleanup(func() { _ = s.db.Close() })
	s.write("format", "noised data directory\n", 0o600)
	s.exec(`INSERT INTO tenants (name, region, created_at, created_by) VALUES ('north', '', 0, 'op')`)
	s.exec(`INSERT INTO dataset_versions (dataset, version, document, created_at, created_by) VALUES ('visits', 1, x'00', 0, 'op')`)
	dir := filepath.Join(t.TempDir(), "backup")
	s.key, err = CreateKey(filepath.Join(t.TempDir(), "key"))
	check(t, err)
	check(t, Create(dir, s.key))
	s.repo, err = OpenToWrite(dir, s.key)
	check(t, err)
	t.Cleanup(s.repo.Close)
	return s
}

func (s *site) write(path, text string, mode fs.FileMode) {
	s.t.Helper()
	path = filepath.Join(s.data, filepath.FromSlash(path))
	check(s.t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(s.t, os.WriteFile(path, []byte(text), mode))
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	check(s.t, s.db.InTx(s.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}))
}

// publish makes a segment the generation in force, in place of the one before.
func (s *site) publish(n int, text string) (path string) {
	s.t.Helper()
	path = fmt.Sprintf("tenants/north/visits/seg_%d.duckdb", n)
	s.write(path, text, 0o400)
	sum := sha256.Sum256([]byte(text))
	check(s.t, s.db.InTx(s.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for _, query := range []string{
			`UPDATE generations SET superseded_at = 1 WHERE superseded_at IS NULL`,
			fmt.Sprintf(`INSERT INTO generations (id, dataset, tenant, version, format_version, load, at) VALUES ('gen_%d', 'visits', 'north', 1, 2, 'load_%[1]d', %[1]d)`, n),
			fmt.Sprintf(`INSERT INTO segments (id, path, rows, bytes, sha256) VALUES ('seg_%d', '%s', 1, %d, '%s')`, n, path, len(text), hex.EncodeToString(sum[:])),
			fmt.Sprintf(`INSERT INTO generation_segments (generation, ordinal, segment) VALUES ('gen_%d', 0, 'seg_%[1]d')`, n),
		} {
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindBudget, At: noon, Body: map[string]int{"n": n}})
		return err
	}))
	return path
}

func (s *site) take() *Snapshot {
	s.t.Helper()
	snap, err := s.repo.Take(s.t.Context(), Options{DataDir: s.data, Program: "test", Now: func() time.Time { return noon }})
	check(s.t, err)
	return snap
}

// restore brings a snapshot back to a new directory.
func (s *site) restore(snap *Snapshot) string {
	s.t.Helper()
	to := filepath.Join(s.t.TempDir(), "restored", "data")
	check(s.t, s.repo.Restore(s.t.Context(), snap, to))
	return to
}

// text is what a restored directory has at a path, empty for nothing.
func text(t *testing.T, dir, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func TestEverySnapshotComesBackAsItWas(t *testing.T) {
	s := newSite(t)
	one := s.publish(1, "first")
	s.write("tenants/north/rejects/load_1.ndjson", "a row", 0o600)
	s.write("spool/load_9.upload", "nobody waits for it", 0o600)
	s.write("tenants/north/visits/seg_x.duckdb", "of no generation", 0o400)
	s.write("tmp/loads/x", "scratch", 0o600)
	first := s.take()
	two := s.publish(2, "second")
	check(t, os.Remove(filepath.Join(s.data, filepath.FromSlash(one))))
	check(t, os.Remove(filepath.Join(s.data, "tenants/north/rejects/load_1.ndjson")))
	second := s.take()
	if first.Added != 3 || second.Added != 1 || second.Removed != 2 {
		t.Errorf("added %d, then %d, removed %d", first.Added, second.Added, second.Removed)
	}
	for _, snap := range []*Snapshot{first, second} {
		check(t, s.repo.Verify(t.Context(), snap, t.TempDir()))
		dir := s.restore(snap)
		db, err := controldb.Open(t.Context(), filepath.Join(dir, controlFile))
		check(t, err)
		var generation string
		check(t, db.QueryRowContext(t.Context(), `SELECT id FROM generations WHERE superseded_at IS NULL`).Scan(&generation))
		check(t, db.Close())
		want := fmt.Sprintf("gen_%d", snap.Number)
		if generation != want {
			t.Errorf("snapshot %d has %s in force, want %s", snap.Number, generation, want)
		}
		for path, had := range map[string]string{
			"format": "noised data directory\n", one: map[int]string{1: "first"}[snap.Number], two: map[int]string{2: "second"}[snap.Number],
			"tenants/north/rejects/load_1.ndjson": map[int]string{1: "a row"}[snap.Number],
			"spool/load_9.upload":                 "", "tenants/north/visits/seg_x.duckdb": "", "tmp/loads/x": "",
		} {
			if got := text(t, dir, path); got != had {
				t.Errorf("snapshot %d has %q as %s, want %q", snap.Number, got, path, had)
			}
		}
		was, err := WasRestored(dir)
		check(t, err)
		if was == nil || was.Snapshot != snap.Number || was.Log != snap.Log {
			t.Errorf("the directory says that it is %+v", was)
		}
		check(t, Accepted(dir))
		if was, err := WasRestored(dir); was != nil || err != nil {
			t.Errorf("after it was accepted it says %v, %v", was, err)
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(two)))
		if snap.Number == 2 && (err != nil || info.Mode().Perm() != 0o400) {
			t.Errorf("a segment came back as %v, %v", info, err)
		}
	}
}

func TestASnapshotNeedsOnlyWhatIsInForce(t *testing.T) {
	s := newSite(t)
	one := s.publish(1, "first")
	s.publish(2, "second")
	check(t, os.Remove(filepath.Join(s.data, filepath.FromSlash(one)))) // as a sweep that was killed
	check(t, s.repo.Verify(t.Context(), s.take(), t.TempDir()))
	check(t, os.Chmod(filepath.Join(s.data, "tenants/north/visits/seg_2.duckdb"), 0o600))
	three := s.publish(3, "third")
	check(t, os.Remove(filepath.Join(s.data, filepath.FromSlash(three))))
	if _, err := s.repo.Take(t.Context(), Options{DataDir: s.data, Now: time.Now}); err == nil || !strings.Contains(err.Error(), three) {
		t.Errorf("a file in force is missing: %v", err)
	}
	s.write(three, "thirD", 0o400)
	if _, err := s.repo.Take(t.Context(), Options{DataDir: s.data, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a file in force is damaged: %v", err)
	}
	if n, err := s.repo.numbers(); err != nil || len(n) != 1 {
		t.Errorf("snapshots %v after two that failed (%v)", n, err)
	}
}

// TestASnapshotBeginsAgain: what was in force when the store was copied goes before
// its file is copied, as an erasure does it.
func TestASnapshotBeginsAgain(t *testing.T) {
	s := newSite(t)
	one := s.publish(1, "first")
	erased := false
	clock := func() time.Time { // asked as each attempt begins
		if !erased {
			erased = true
			check(t, os.Remove(filepath.Join(s.data, filepath.FromSlash(one))))
			return noon
		}
		s.publish(2, "second")
		return noon.Add(time.Second)
	}
	snap, err := s.repo.Take(t.Context(), Options{DataDir: s.data, Now: clock})
	check(t, err)
	if !snap.At.Equal(noon.Add(time.Second)) || len(snap.Files) != 2 {
		t.Errorf("the snapshot is %+v", snap)
	}
	check(t, s.repo.Verify(t.Context(), snap, t.TempDir()))
}

func TestNothingCanBeReadWithoutTheKey(t *testing.T) {
	s := newSite(t)
	canary := "canary-5f1c0e"
	s.publish(1, canary)
	s.exec(`INSERT INTO tenants (name, region, created_at, created_by) VALUES ('` + canary + `', '', 0, 'op')`)
	s.take()
	check(t, filepath.WalkDir(s.repo.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) || bytes.Contains(b, []byte("SQLite")) || bytes.Contains(b, []byte("north")) {
			t.Errorf("%s holds something in clear", path)
		}
		return err
	}))
	other, err := CreateKey(filepath.Join(t.TempDir(), "other"))
	check(t, err)
	if _, err := Open(s.repo.dir, other); err == nil || !strings.Contains(err.Error(), "key is not that") {
		t.Errorf("another key: %v", err)
	}
}

// TestAnyChangeIsFound flips a byte of each file in the repository, cuts it short, and
// has another stand in its place.
func TestAnyChangeIsFound(t *testing.T) {
	s := newSite(t)
	s.publish(1, strings.Repeat("first", 1000))
	s.publish(2, strings.Repeat("2nd", 1000))
	s.take()
	var files []string
	for _, pattern := range []string{"files/??/*", "snapshots/*"} {
		found, err := filepath.Glob(filepath.Join(s.repo.dir, pattern))
		check(t, err)
		files = append(files, found...)
	}
	verify := func() error {
		snap, err := s.repo.Snapshot(0)
		if err != nil {
			return err
		}
		return s.repo.Verify(t.Context(), snap, t.TempDir())
	}
	check(t, verify())
	for i, path := range files {
		was, err := os.ReadFile(path)
		check(t, err)
		flipped := bytes.Clone(was)
		flipped[len(was)/2] ^= 1
		standIn, err := os.ReadFile(files[(i+1)%len(files)])
		check(t, err)
		for what, now := range map[string][]byte{"flipped": flipped, "cut": was[:len(was)-1], "longer": append(bytes.Clone(was), 0), "empty": nil, "another's": standIn} {
			check(t, os.WriteFile(path, now, 0o600))
			if err := verify(); err == nil {
				t.Errorf("%s is %s, and nobody minds", path, what)
			}
			to := filepath.Join(t.TempDir(), "data")
			if snap, err := s.repo.Snapshot(0); err == nil {
				if err := s.repo.Restore(t.Context(), snap, to); err == nil {
					t.Errorf("%s is %s, and is restored", path, what)
				}
				if left, _ := filepath.Glob(to + "*"); len(left) > 0 {
					t.Errorf("a restoration that failed leaves %v", left)
				}
			}
		}
		check(t, os.WriteFile(path, was, 0o600))
	}
	check(t, verify())
}

func TestPruningKeepsWhatIsUsed(t *testing.T) {
	s := newSite(t)
	for n := 1; n <= 4; n++ {
		s.publish(n, fmt.Sprintf("segment %d", n))
		s.take()
	}
	check(t, os.WriteFile(filepath.Join(s.repo.dir, "files", "left"), nil, 0o600))
	stray := s.repo.filePath(randomName())
	check(t, os.MkdirAll(filepath.Dir(stray), 0o700))
	check(t, os.WriteFile(stray+".part", []byte("of a copy that was killed"), 0o600))
	p, err := s.repo.Prune(2)
	check(t, err)
	if len(p.Snapshots) != 2 || p.Files != 3 { // two stores and the stray; segments are superseded, and still there
		t.Errorf("removed %+v", p)
	}
	all, err := s.repo.Snapshots()
	check(t, err)
	for _, snap := range all {
		check(t, s.repo.Verify(t.Context(), snap, t.TempDir()))
	}
	if len(all) != 2 || all[1].Number != 4 || s.take().Number != 5 {
		t.Errorf("%d snapshots are left", len(all))
	}
	if p, err = s.repo.Prune(0); err != nil || len(p.Snapshots) != 2 {
		t.Errorf("at least one stays: %+v, %v", p, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	s := newSite(t)
	s.publish(1, "first")
	snap := s.take()
	if _, err := OpenToWrite(s.repo.dir, s.key); err == nil {
		t.Error("two write to one repository")
	}
	full := t.TempDir()
	check(t, os.WriteFile(filepath.Join(full, "precious"), nil, 0o600))
	if err := s.repo.Restore(t.Context(), snap, full); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("restoring over files: %v", err)
	}
	check(t, s.repo.Restore(t.Context(), snap, t.TempDir())) // empty, and so like none
	if err := Create(full, s.key); err == nil {
		t.Error("a repository among files")
	}
	other := newSite(t)
	if _, err := s.repo.Take(t.Context(), Options{DataDir: other.data, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "another data directory") {
		t.Errorf("two data directories in one repository: %v", err)
	}
	release, err := hold.Take(t.Context(), s.data)
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.repo.Take(ctx, Options{DataDir: s.data, Now: time.Now}); !errors.Is(err, hold.ErrHeld) {
		t.Errorf("two at a time: %v", err)
	}
	release()
	key := filepath.Join(t.TempDir(), "key")
	check(t, os.WriteFile(key, []byte("{}"), 0o600))
	if _, err := ReadKey(key); err == nil || !strings.Contains(err.Error(), "not a backup's key file") {
		t.Errorf("a key file that is none: %v", err)
	}
	check(t, os.Chmod(key, 0o644))
	if _, err := ReadKey(key); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file that others may read: %v", err)
	}
}

// TestWhatWentSinceASnapshot: erasures that were not complete when it was taken, and
// datasets and tenants that were deleted since, as far as a later one knows.
func TestWhatWentSinceASnapshot(t *testing.T) {
	s := newSite(t)
	s.publish(1, "first")
	erasure := func(id, state string, created, finished time.Time) {
		t.Helper()
		var end any
		if !finished.IsZero() {
			end = finished.UnixMicro()
		}
		s.exec(`INSERT INTO erasures (id, tenant, tenant_since, dataset, after_load, state, forms, asked, created_by, created_at, finished_at)
			VALUES (?, 'north', 0, 'visits', 0, ?, '', 1, 'key', ?, ?)`, id, state, created.UnixMicro(), end)
	}
	erasure("ers_done", "succeeded", noon.Add(-2*time.Hour), noon.Add(-time.Hour))
	erasure("ers_during", "succeeded", noon.Add(-2*time.Hour), noon.Add(time.Hour))
	deleted := `INSERT INTO deleted_datasets (dataset, deleted_at, deleted_by) VALUES (?, 0, 'key')`
	tenant := `INSERT INTO tenants (name, region, created_at, created_by) VALUES (?, 'eu', ?, 'key')`
	contract := `INSERT INTO dataset_versions (dataset, version, document, created_at, created_by) VALUES (?, 1, x'00', 0, 'key')`
	s.exec(contract, "earlier")
	s.exec(deleted, "earlier")
	s.exec(contract, "trial")
	for _, name := range []string{"east", "west", "stays"} {
		s.exec(tenant, name, 1)
	}
	first := s.take()
	if left, err := s.repo.Since(t.Context(), first, t.TempDir()); err != nil || len(left.Erasures)+len(left.Datasets)+len(left.Tenants) != 0 {
		t.Errorf("no later snapshot is there, and %v, %v", left, err)
	}
	s.exec(deleted, "trial")
	s.exec(contract, "came and went")
	s.exec(deleted, "came and went")
	s.exec(`DELETE FROM tenants WHERE name IN ('east', 'west')`)
	s.exec(tenant, "west", 2) // another one of its name
	s.exec(tenant, "new", 2)
	erasure("ers_after", "succeeded", noon.Add(time.Hour), noon.Add(2*time.Hour))
	erasure("ers_waiting", "pending", noon.Add(3*time.Hour), time.Time{})
	erasure("ers_failed", "failed", noon.Add(3*time.Hour), noon.Add(4*time.Hour))
	s.take()
	scratch := t.TempDir()
	later, err := s.repo.Since(t.Context(), first, scratch)
	check(t, err)
	if left, err := os.ReadDir(scratch); err != nil || len(left) != 0 {
		t.Errorf("%v stays, %v", left, err)
	}
	if got, want := fmt.Sprint(later.Datasets, later.Tenants), "[trial] [east west]"; got != want {
		t.Errorf("deleted since: %s, want %s", got, want)
	}
	left := later.Erasures
	var ids []string
	for _, e := range left {
		ids = append(ids, e.ID)
	}
	if got := strings.Join(ids, " "); got != "ers_during ers_after ers_waiting" {
		t.Errorf("the first snapshot misses %s", got)
	}
	if left[1].Tenant != "north" || left[1].Dataset != "visits" || !left[1].At.Equal(noon.Add(time.Hour)) {
		t.Errorf("it says %+v", left[1])
	}
}
