package worker_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
)

func parquetOf(t testing.TB, query string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.parquet")
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("COPY (" + query + ") TO " + segment.Literal(out) + " (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMaxRowsKeepsTheSameRowsInWhateverOrderTheyCome(t *testing.T) {
	const rows = 200
	var up, down strings.Builder
	up.WriteString("person,n\n")
	down.WriteString("person,n\n")
	for i := range rows {
		fmt.Fprintf(&up, "%d,%d\n", i%10, i)
		fmt.Fprintf(&down, "%d,%d\n", (rows-1-i)%10, rows-1-i)
	}
	kept := func(body string) []string {
		spec := order(t, upload.FormatCSV, []byte(body), column("n", "integer"))
		spec.MaxRows = 3
		r := run(t, spec)
		wantOK(t, r) // rows beyond the bound are not bad rows
		if r.RowsRead != rows || r.RowsLoaded != 30 || r.RowsRejected != 170 {
			t.Errorf("%+v", r)
		}
		// Stored order, not sorted: within a unit it is the order of the hash.
		return query(t, filepath.Join(spec.Dir, build.SegmentFile), "SELECT * FROM seg.rows")
	}
	first := kept(up.String())
	if diff := cmp.Diff(first, kept(down.String())); diff != "" {
		t.Error(diff)
	}
}

func TestOneUnitCannotFillASegment(t *testing.T) {
	body := parquetOf(t, fmt.Sprintf("SELECT 1 AS person, (i %% 5)::TINYINT AS rating FROM range(%d) r(i) UNION ALL SELECT 2, 3", build.MaxUnitRows+3))
	spec := order(t, upload.FormatParquet, body, column("rating", "tinyint"))
	r := run(t, spec)
	wantOK(t, r)
	if r.RowsLoaded != build.MaxUnitRows+1 || r.RowsRejected != 3 {
		t.Errorf("%+v", r)
	}
	for _, reject := range rejectsOf(t, spec) {
		if reject.Line == 0 || reject.Column != "person" || reject.Reason != "the unit has more than 1048576 rows: this one was left out" || reject.Value != "" {
			t.Errorf("%+v", reject)
		}
	}
}

func TestMergedSegmentsAreWhatOneLoadWouldHaveWritten(t *testing.T) {
	for _, maxRows := range []int64{0, 2} {
		t.Run(fmt.Sprint("max_rows ", maxRows), func(t *testing.T) {
			load := func(body string) build.Spec {
				spec := order(t, upload.FormatCSV, []byte("person,n\n"+body), column("n", "integer"))
				spec.MaxRows = maxRows
				wantOK(t, run(t, spec))
				return spec
			}
			parts := []string{"1,1\n2,2\n1,3\n", "", "3,4\n1,5\n2,6\n", "1,7\n"}
			whole := load(strings.Join(parts, ""))
			merge := order(t, upload.FormatCSV, nil, column("n", "integer"))
			merge.Task, merge.MaxRows, merge.Key = build.TaskMerge, maxRows, nil
			for _, p := range parts {
				merge.Segments = append(merge.Segments, filepath.Join(load(p).Dir, build.SegmentFile))
			}
			r, err := child(t, merge)
			if err != nil {
				t.Fatal(err)
			}
			wantOK(t, r)
			if diff := cmp.Diff(rowsOf(t, whole), rowsOf(t, merge)); diff != "" {
				t.Error(diff)
			}
			meta := func(s build.Spec) []string {
				return query(t, filepath.Join(s.Dir, build.SegmentFile), "SELECT * FROM seg.meta ORDER BY ALL")
			}
			if diff := cmp.Diff(meta(whole), meta(merge)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The departments of the sample data load as they are, from the file a
// contributor would send.
func TestTheSampleDataLoads(t *testing.T) {
	const file = "../../testdata/insteval.parquet"
	total := int64(0)
	for _, dept := range []int{5, 11} {
		body := parquetOf(t, fmt.Sprintf("SELECT * FROM %s WHERE dept::INTEGER = %d", segment.Literal(file), dept))
		spec := order(t, upload.FormatParquet, body, column("lecturer", "bigint"), column("service", "varchar"),
			column("studage", "varchar"), column("lectage", "varchar"), column("rating", "tinyint"))
		spec.Unit = column("student", "bigint")
		r := run(t, spec)
		wantOK(t, r)
		if r.RowsLoaded != r.RowsRead || cmp.Diff([]string{"dept"}, r.Ignored) != "" {
			t.Errorf("%+v", r)
		}
		students := query(t, filepath.Join(spec.Dir, build.SegmentFile), "SELECT count(DISTINCT _unit) FROM seg.rows")[0]
		if want := map[int]string{5: "302", 11: "2498"}[dept]; students != want {
			t.Errorf("department %d has %s students, want %s", dept, students, want)
		}
		total += r.RowsLoaded
	}
	if total == 0 {
		t.Error("nothing was loaded")
	}
}
