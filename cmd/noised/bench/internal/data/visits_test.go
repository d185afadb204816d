package data_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/cmd/noised/bench/internal/data"
	"github.com/noised/noised/cmd/noised/bench/internal/plain"
)

// TestVisitsAreWhatTheirContractsSay makes each kind of rows, small.
func TestVisitsAreWhatTheirContractsSay(t *testing.T) {
	const keyed = "k BETWEEN 'key 00' AND 'key 49'"
	for name, tt := range map[string]struct {
		visits     data.Visits
		rows, more string // of a unit: at most; a condition on all rows
	}{
		"wide":   {data.Visits{Rows: 4000, Units: 400, Mids: 100, Secrets: 20, Tenants: 1, Scope: "person"}, "40", keyed + " AND mid BETWEEN 0 AND 99 AND secret < 'secret 000020'"},
		"cells":  {data.Visits{Rows: 4000, Units: 400, Cells: 1_000_000, Tenants: 1, Scope: "person"}, "40", "cell BETWEEN 0 AND 999999"},
		"split":  {data.Visits{Rows: 4000, Units: 400, Tenants: 4, Scope: "person"}, "40", keyed},
		"apart":  {data.Visits{Rows: 4000, Units: 400, Tenants: 4, Scope: "tenant"}, "40", keyed + " AND person // 100 = file"},
		"single": {data.Visits{Rows: 4000, Units: 4000, Tenants: 1, Scope: "person", OneRow: true}, "1", keyed},
	} {
		t.Run(name, func(t *testing.T) {
			spec := tt.visits.Spec()
			if _, err := contractparse.Parse(spec.Contract); err != nil {
				t.Fatalf("%v\n%s", err, spec.Contract)
			}
			dir := t.TempDir()
			files, err := spec.Files(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(files) != tt.visits.Tenants {
				t.Errorf("%d files for %d tenants", len(files), tt.visits.Tenants)
			}
			db, err := plain.Open(t.Context(), "", dir)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			rows := "(SELECT *, regexp_extract(filename, '([0-9]+).parquet', 1)::INT AS file FROM read_parquet(" + plain.Literal(filepath.Join(dir, "*.parquet")) + ", filename = true))"
			for query, want := range map[string]int64{
				"SELECT count(*) FROM " + rows: tt.visits.Rows,
				"SELECT count(*) FROM " + rows + " WHERE m BETWEEN 0 AND 1000 AND half IN (0, 1) AND " + tt.more:     tt.visits.Rows,
				"SELECT count(*) FROM (SELECT count(*) AS n FROM " + rows + " GROUP BY person) WHERE n > " + tt.rows: 0,
			} {
				if n, err := db.Int(t.Context(), query); err != nil || n != want {
					t.Errorf("%s: %d, %v, want %d", query, n, err, want)
				}
			}
			again, err := spec.Files(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			first, second := read(t, files[0].Path), read(t, again[0].Path)
			if string(first) != string(second) {
				t.Error("the same rows made two different files")
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
