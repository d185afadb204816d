package controldb

import (
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestRanksOfBeforeTheyWentOn: of what was stored when each segment numbered a
// unit's rows from 0, only tables of one segment keep their ranks.
func TestRanksOfBeforeTheyWentOn(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	all := Migrations()
	files := fstest.MapFS{}
	must(fs.WalkDir(all, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != "00016_ranks_go_on.sql" {
			var text []byte
			text, err = fs.ReadFile(all, name)
			files[name] = &fstest.MapFile{Data: text}
		}
		return err
	}))
	path := filepath.Join(t.TempDir(), "control.db")
	must(migrate(t.Context(), path, "", files))
	db, err := connect(path, "immediate")
	must(err)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), "PRAGMA foreign_keys = OFF") // there are no generations
	must(err)
	for _, row := range [][3]string{{"g", "one", "a"}, {"g", "two", "b"}, {"g", "three", "b"}, {"h", "four", "b"}} {
		_, err := db.ExecContext(t.Context(), `INSERT INTO segments (id, path, rows, bytes, sha256, table_name, ranks) VALUES (?1, ?1, 0, 0, '', ?2, '[]')`, row[1], row[2])
		must(err)
		_, err = db.ExecContext(t.Context(), `INSERT INTO generation_segments (generation, ordinal, segment) VALUES (?1, (SELECT count(*) FROM generation_segments), ?2)`, row[0], row[1])
		must(err)
	}
	must(migrate(t.Context(), path, "", all))
	rows, err := db.QueryContext(t.Context(), `SELECT id FROM segments WHERE ranks IS NOT NULL ORDER BY id`)
	must(err)
	defer func() { _ = rows.Close() }()
	var got []string
	for rows.Next() {
		var id string
		must(rows.Scan(&id))
		got = append(got, id)
	}
	must(rows.Err())
	if diff := cmp.Diff([]string{"four", "one"}, got); diff != "" {
		t.Error(diff)
	}
}
