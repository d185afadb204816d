package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy"
)

// TestMain lets the test binary be its own worker process.
func TestMain(m *testing.M) {
	if os.Getenv("NOISED_TEST_WORKER") == "1" {
		os.Exit(worker.Main(context.Background(), os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

var (
	testKey  = []byte("a key of thirty-two bytes, for us")
	testSalt = []byte("sixteen bytes...")
)

func column(name, typ string) segment.Column {
	t, err := plan.ParseType(typ)
	if err != nil {
		panic(err)
	}
	return segment.Column{Name: name, Type: t}
}

// order returns a spec for an upload with the given content.
func order(t testing.TB, format upload.Format, body []byte, columns ...segment.Column) build.Spec {
	t.Helper()
	dir := t.TempDir()
	input := filepath.Join(dir, "upload")
	if err := os.WriteFile(input, body, 0o600); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "own")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	return build.Spec{
		Task: build.TaskLoad, Dir: own, Input: input, Format: format,
		Meta: segment.Meta{Dataset: "d", Tenant: "t", ContractVersion: 1},
		Unit: column("person", "bigint"), Columns: columns,
		Key: testKey, Salt: testSalt, MaxBytes: 1 << 30, MemoryMB: 400, Threads: 2,
	}
}

func run(t testing.TB, spec build.Spec) worker.Result {
	t.Helper()
	return worker.Run(context.Background(), spec, func(worker.Progress) {})
}

// childPatience is far more than any worker of these tests takes.
const childPatience = 5 * time.Minute

// child runs a spec in a real child process.
func child(t testing.TB, spec build.Spec) (worker.Result, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NOISED_TEST_WORKER=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(in).Encode(spec); err != nil {
		t.Fatal(err)
	}
	// A worker that never ends is a failure like any other.
	hung := time.AfterFunc(childPatience, func() { _ = cmd.Process.Kill() })
	defer func() {
		if !hung.Stop() {
			t.Errorf("the worker did not end within %v", childPatience)
		}
	}()
	var result worker.Result
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var ev worker.Event
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			t.Fatalf("the worker wrote %q", lines.Text())
		}
		if ev.Result != nil {
			result = *ev.Result
		}
	}
	_ = in.Close()
	return result, cmd.Wait()
}

// rowsOf returns the rows of a segment as text, with the unit's pseudonym
// first and without ranks, in no particular order within a unit.
func rowsOf(t testing.TB, spec build.Spec) []string {
	t.Helper()
	return query(t, filepath.Join(spec.Dir, build.SegmentFile), "SELECT COLUMNS(c -> NOT starts_with(c, '_') OR c = '_unit') FROM seg.rows ORDER BY ALL")
}

func query(t testing.TB, path, q string) []string {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("ATTACH " + segment.Literal(path) + " AS seg (READ_ONLY)"); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	var out []string
	for rows.Next() {
		values := make([]any, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		text := make([]string, len(values))
		for i, v := range values {
			text[i] = fmt.Sprint(v)
		}
		out = append(out, strings.Join(text, "|"))
	}
	return out
}

func rejectsOf(t testing.TB, spec build.Spec) []build.Reject {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(spec.Dir, build.RejectsFile))
	if err != nil {
		t.Fatal(err)
	}
	var out []build.Reject
	d := json.NewDecoder(bytes.NewReader(b))
	for d.More() {
		var r build.Reject
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func wantOK(t testing.TB, r worker.Result) {
	t.Helper()
	if r.Error != nil {
		t.Fatalf("failed: %s: %s (%s)", r.Error.Code, r.Error.Message, r.Trace)
	}
}

func wantFailure(t testing.TB, r worker.Result, code privacy.Code, text string) {
	t.Helper()
	if r.Error == nil || r.Error.Code != code || !strings.Contains(r.Error.Message, text) {
		t.Fatalf("got %+v (%s), want %s with %q", r.Error, r.Trace, code, text)
	}
}

const sample = `person,rating,note,day,amount,share,ok,at,extra
7,3,"a ""quoted"", two-
line note",2024-02-29,12.50,0.25,true,2024-02-29 23:59:59.5,x
3,1,,2020-01-01,-0.01,-0.0,false,2020-01-01 00:00:00,y
7,5,"",1999-12-31,0,1e10,true,1970-01-01 00:00:00,
12,,é,,,,,,
`

func sampleColumns() []segment.Column {
	return []segment.Column{
		column("rating", "tinyint"), column("note", "varchar"), column("day", "date"), column("amount", "decimal(9,2)"),
		column("share", "double"), column("ok", "boolean"), column("at", "timestamp"),
	}
}

// convert writes the sample in another format, by DuckDB for Parquet and JSON
// and by arrow-go for Arrow.
func convert(t testing.TB, format upload.Format) []byte {
	t.Helper()
	if format == upload.FormatCSV {
		return []byte(sample)
	}
	if format == upload.FormatArrow {
		return sampleArrow(t)
	}
	dir := t.TempDir()
	csv, out := filepath.Join(dir, "s.csv"), filepath.Join(dir, "out")
	if err := os.WriteFile(csv, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	options := "FORMAT parquet, ROW_GROUP_SIZE 2"
	if format == upload.FormatNDJSON {
		options = "FORMAT json, ARRAY false"
	}
	q := fmt.Sprintf(`COPY (FROM read_csv(%s, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, columns = {
		'person': 'BIGINT', 'rating': 'TINYINT', 'note': 'VARCHAR', 'day': 'DATE', 'amount': 'DECIMAL(9,2)', 'share': 'DOUBLE', 'ok': 'BOOLEAN', 'at': 'TIMESTAMP', 'extra': 'VARCHAR'}))
		TO %s (%s)`, segment.Literal(csv), segment.Literal(out), options)
	if _, err := db.Exec(q); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sampleArrow writes the sample as two batches, the note as a dictionary.
func sampleArrow(t testing.TB) []byte {
	t.Helper()
	note := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "person", Type: arrow.PrimitiveTypes.Int64}, {Name: "rating", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		{Name: "note", Type: note, Nullable: true}, {Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 9, Scale: 2}, Nullable: true},
		{Name: "share", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "ok", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
		{Name: "extra", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil)
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(schema))
	for _, doc := range []string{
		`[{"person":7,"rating":3,"note":"a \"quoted\", two-\nline note","day":"2024-02-29","amount":"12.50","share":0.25,"ok":true,"at":"2024-02-29 23:59:59.5","extra":["x"]},
		  {"person":3,"rating":1,"day":"2020-01-01","amount":"-0.01","share":-0.0,"ok":false,"at":"2020-01-01 00:00:00","extra":["y"]}]`,
		`[{"person":7,"rating":5,"note":"","day":"1999-12-31","amount":"0.00","share":1e10,"ok":true,"at":"1970-01-01 00:00:00"},
		  {"person":12,"note":"é"}]`,
	} {
		rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		rec.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compressed(t testing.TB, e upload.Encoding, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch e {
	case upload.EncodingGzip:
		w = gzip.NewWriter(&b)
	case upload.EncodingZstd:
		w, _ = zstd.NewWriter(&b)
	default:
		return body
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEveryFormatAndEncodingGivesTheSameSegment(t *testing.T) {
	u := func(id string) string { return fmt.Sprint(duck.Pseudonym(testKey, id)) }
	want := []string{
		u("7") + "|3|a \"quoted\", two-\nline note|2024-02-29 00:00:00 +0000 UTC|12.5|0.25|true|2024-02-29 23:59:59.5 +0000 UTC",
		u("3") + "|1|<nil>|2020-01-01 00:00:00 +0000 UTC|-0.01|0|false|2020-01-01 00:00:00 +0000 UTC",
		u("7") + "|5||1999-12-31 00:00:00 +0000 UTC|0|1e+10|true|1970-01-01 00:00:00 +0000 UTC",
		u("12") + "|<nil>|é|<nil>|<nil>|<nil>|<nil>|<nil>",
	}
	for _, format := range []upload.Format{upload.FormatCSV, upload.FormatNDJSON, upload.FormatParquet, upload.FormatArrow} {
		body := convert(t, format)
		for _, encoding := range []upload.Encoding{upload.EncodingNone, upload.EncodingGzip, upload.EncodingZstd} {
			t.Run(string(format)+"/"+string(encoding), func(t *testing.T) {
				spec := order(t, format, compressed(t, encoding, body), sampleColumns()...)
				spec.Encoding = encoding
				r, err := child(t, spec)
				if err != nil {
					t.Fatal(err)
				}
				wantOK(t, r)
				if r.RowsRead != 4 || r.RowsLoaded != 4 || r.RowsRejected != 0 {
					t.Errorf("counters %+v", r)
				}
				if diff := cmp.Diff([]string{"extra"}, r.Ignored); diff != "" {
					t.Error(diff)
				}
				got := rowsOf(t, spec)
				if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
					t.Error(diff)
				}
				if len(rejectsOf(t, spec)) != 0 {
					t.Error("a clean file has rejects")
				}
				if _, err := os.Stat(filepath.Join(spec.Dir, "lined.csv")); err == nil {
					t.Error("a clean file was read the slow way")
				}
			})
		}
	}
}
