package worker_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
)

// benchRows is the number of rows of the file that the benchmarks load.
const benchRows = 2_000_000

// bigCSV writes a file of ratings by benchRows/7 people.
func bigCSV(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "big.csv")
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	q := fmt.Sprintf(`COPY (SELECT (hash(i) %% %d)::BIGINT AS person, (hash(i + 1) %% 1000)::INTEGER AS lecturer, (hash(i + 2) %% 2)::VARCHAR AS service,
		DATE '2020-01-01' + (hash(i + 3) %% 1000)::INTEGER AS day, ((hash(i + 4) %% 100000) / 100)::DECIMAL(9,2) AS amount,
		(hash(i + 5) %% 5 + 1)::TINYINT AS rating FROM range(%d) r(i)) TO %s (HEADER)`, benchRows/7, benchRows, segment.Literal(path))
	if _, err := db.Exec(q); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkLoadCSV is a whole load: process, parsing, checks, pseudonyms,
// sorting, segment file.
func BenchmarkLoadCSV(b *testing.B) {
	csv := bigCSV(b)
	for b.Loop() {
		spec := order(b, upload.FormatCSV, nil, column("lecturer", "integer"), column("service", "varchar"), column("day", "date"),
			column("amount", "decimal(9,2)"), column("rating", "tinyint"))
		spec.Input, spec.MemoryMB = csv, 900
		if r, err := child(b, spec); err != nil || r.Error != nil || r.RowsLoaded != benchRows {
			b.Fatalf("%+v, %v", r, err)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDuckDBCopyOrderBy is the baseline: DuckDB's own COPY of the same
// file into a typed table, then the same rows sorted into a database file.
func BenchmarkDuckDBCopyOrderBy(b *testing.B) {
	benchDuckDB(b,
		"CREATE TABLE out.main.unsorted (person BIGINT, lecturer INTEGER, service VARCHAR, day DATE, amount DECIMAL(9,2), rating TINYINT)",
		"COPY out.main.unsorted FROM $file (HEADER)",
		"CREATE TABLE out.main.sorted AS FROM out.main.unsorted ORDER BY person", "CHECKPOINT out")
}

// BenchmarkDuckDBCreateOrderBy is the faster way to the same table, in one
// statement.
func BenchmarkDuckDBCreateOrderBy(b *testing.B) {
	benchDuckDB(b,
		"CREATE TABLE out.main.sorted AS FROM read_csv($file, types = {'person': 'BIGINT', 'lecturer': 'INTEGER', 'service': 'VARCHAR', 'day': 'DATE', 'amount': 'DECIMAL(9,2)', 'rating': 'TINYINT'}) ORDER BY person",
		"CHECKPOINT out")
}

func benchDuckDB(b *testing.B, statements ...string) {
	csv := bigCSV(b)
	for b.Loop() {
		dir := b.TempDir()
		db, err := sql.Open("duckdb", "")
		if err != nil {
			b.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		for _, s := range append([]string{"SET threads = 2", "SET memory_limit = '495MB'", "SET temp_directory = " + segment.Literal(dir),
			"ATTACH " + segment.Literal(filepath.Join(dir, "out.duckdb")) + " AS out"}, statements...) {
			if _, err := db.Exec(strings.ReplaceAll(s, "$file", segment.Literal(csv))); err != nil {
				b.Fatal(err)
			}
		}
		_ = db.Close()
		_ = os.RemoveAll(dir)
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
