package controldb

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/noised/noised/privacy/controldb/schema"
)

// steps are migrations of two programs: the earlier one knows the first alone.
func steps(n int) fstest.MapFS {
	all := fstest.MapFS{
		"00010_a.sql":        {Data: []byte("-- +goose Up\nCREATE TABLE a (x INTEGER);\n")},
		"00020_b.sql":        {Data: []byte("-- +goose Up\nALTER TABLE a ADD COLUMN y INTEGER;\n")},
		"00099_programs.sql": {Data: []byte("-- +goose Up\nCREATE TABLE programs (seq INTEGER PRIMARY KEY, at INTEGER, program TEXT, migrations TEXT);\n")},
	}
	if n == 1 {
		delete(all, "00020_b.sql")
	}
	return all
}

// dump is everything that a store has.
func dump(t *testing.T, path string) string {
	t.Helper()
	db, err := schema.Open(path)
	check(t, err)
	defer func() { _ = db.Close() }()
	all, err := schema.Digest(t.Context(), db)
	check(t, err)
	return all
}

func lines(ctx context.Context, db *sql.DB, query string, args ...any) (all []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line sql.NullString
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		all = append(all, line.String)
	}
	return all, rows.Err()
}

func write(t *testing.T, path, query string) {
	t.Helper()
	db, err := connect(path, "immediate")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheWayBack goes to a later program and back to an earlier one, which says
// before that how.
func TestTheWayBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a[b]", "control.db")
	check(t, os.Mkdir(filepath.Dir(path), 0o700))
	check(t, migrate(t.Context(), path, "1.0", steps(1)))
	write(t, path, `INSERT INTO a (x) VALUES (1), (2)`)
	was := dump(t, path)
	if copies, err := schema.Copies(path); err != nil || len(copies) != 0 {
		t.Fatalf("a new store was copied: %v, %v", copies, err)
	}
	for range 2 { // the second time there is nothing to do
		check(t, migrate(t.Context(), path, "2.0", steps(2)))
	}
	copies, err := schema.Copies(path)
	if err != nil || len(copies) != 1 || dump(t, copies[0]) != was {
		t.Fatalf("the copies are %v, %v", copies, err)
	}
	write(t, path, `UPDATE a SET y = 7`)
	later := dump(t, path)
	if later == was {
		t.Error("the digest is the same after a change")
	}
	err = migrate(t.Context(), path, "1.0", steps(1))
	if err == nil || !strings.Contains(err.Error(), "noised 2.0 wrote it") || !strings.Contains(err.Error(), "noised upgrade --back") {
		t.Fatalf("the earlier program says %v", err)
	}
	server, err := connect(path, "immediate")
	check(t, err)
	check(t, server.PingContext(t.Context()))
	if _, err := lines(t.Context(), server, `SELECT x FROM a`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := back(t.Context(), path, copies[0], steps(1)); err == nil || !strings.Contains(err.Error(), "a server uses") {
		t.Errorf("going back under a server: %v", err)
	}
	check(t, server.Close())
	from, aside, err := back(t.Context(), path, "", steps(1))
	if err != nil || from != copies[0] {
		t.Fatalf("went back to %s, %v", from, err)
	}
	if dump(t, path) != was {
		t.Errorf("the store is\n%s\nand was\n%s", dump(t, path), was)
	}
	if dump(t, aside) != later {
		t.Error("what was put aside is not the later store")
	}
	check(t, migrate(t.Context(), path, "1.0", steps(1)))
	write(t, path, `INSERT INTO a (x) VALUES (3)`)
	check(t, migrate(t.Context(), path, "2.0", steps(2)))
	if copies, err = schema.Copies(path); err != nil || len(copies) != 2 {
		t.Errorf("the copies are %v, %v", copies, err)
	}
	check(t, schema.ForgetCopies(path, time.Now().Add(-time.Hour)))
	if copies, err = schema.Copies(path); err != nil || len(copies) != 2 {
		t.Errorf("after forgetting old ones they are %v, %v", copies, err)
	}
	check(t, schema.ForgetCopies(path, time.Now().Add(time.Hour)))
	if left, err := os.ReadDir(filepath.Join(filepath.Dir(path), CopiesDir)); err != nil || len(left) != 0 {
		t.Errorf("after forgetting all there are %v, %v", left, err)
	}
	if _, _, err := back(t.Context(), path, "", steps(1)); err == nil || !strings.Contains(err.Error(), "no copy") {
		t.Errorf("going back without a copy: %v", err)
	}
}

// TestNoWayForwardWithoutACopy: where the store cannot be copied, it is not migrated.
func TestNoWayForwardWithoutACopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	check(t, migrate(t.Context(), path, "1.0", steps(1)))
	was := dump(t, path)
	check(t, os.WriteFile(filepath.Join(filepath.Dir(path), CopiesDir), nil, 0o600)) // where the directory is to be
	if err := migrate(t.Context(), path, "2.0", steps(2)); err == nil || !strings.Contains(err.Error(), "not migrated") {
		t.Errorf("got %v", err)
	}
	if dump(t, path) != was {
		t.Error("the store was changed")
	}
}

// TestACopyIsOfOneMoment copies a store while two rows of it move together.
func TestACopyIsOfOneMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	db := open(t, path)
	exec(t, db, `CREATE TABLE pair (n INTEGER NOT NULL)`)
	exec(t, db, `INSERT INTO pair (n) VALUES (0), (0)`)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				exec(t, db, `UPDATE pair SET n = n + 1`)
			}
		}
	}()
	for i := range 10 {
		to := filepath.Join(t.TempDir(), fmt.Sprintf("copy-%d", i))
		check(t, Copy(t.Context(), path, to))
		copied, err := schema.Open(to)
		check(t, err)
		check(t, schema.Check(t.Context(), copied))
		var low, high int
		check(t, copied.QueryRowContext(t.Context(), `SELECT min(n), max(n) FROM pair`).Scan(&low, &high))
		if low != high {
			t.Errorf("a copy has %d and %d", low, high)
		}
		check(t, copied.Close())
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy is %v, %v", info, err)
		}
	}
	close(stop)
	<-done
	if err := Copy(t.Context(), path+".missing", filepath.Join(t.TempDir(), "copy")); err == nil {
		t.Error("nothing was copied, without complaint")
	}
}
