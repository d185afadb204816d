package worker_test

import (
	"bytes"
	stdcmp "cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

func TestBadRowsAreRejectedWithLineColumnAndReason(t *testing.T) {
	const notTiny = "not a tinyint: a whole number from -128 to 127"
	day, amount := column("day", "date"), column("amount", "decimal(4,1)")
	for _, c := range []struct {
		name, body string
		format     upload.Format
		columns    []segment.Column
		want       []build.Reject
		loaded     int64
	}{
		{"a number that is none", "person,rating\n1,3\n2,three\n3,5\n", upload.FormatCSV, nil,
			[]build.Reject{{Line: 3, Column: "rating", Reason: notTiny, Value: "three"}}, 2},
		{"a number too large", "person,rating\n1,128\n", upload.FormatCSV, nil,
			[]build.Reject{{Line: 2, Column: "rating", Reason: notTiny, Value: "128"}}, 0},
		{"a fraction is not rounded", "person,rating\n1,3.5\n2,3.0\n3,3e0\n", upload.FormatCSV, nil,
			[]build.Reject{{Line: 2, Column: "rating", Reason: "not a whole number, which tinyint needs", Value: "3.5"}}, 2},
		{"units that are missing or blank", "person,rating\n,1\n\"\",2\n \t,3\n\u00a0,4\n7,5\n", upload.FormatCSV, nil,
			[]build.Reject{
				{Line: 2, Column: "person", Reason: "the unit id is missing or blank"}, {Line: 3, Column: "person", Reason: "the unit id is missing or blank"},
				{Line: 4, Column: "person", Reason: "the unit id is missing or blank", Value: " \t"}, {Line: 5, Column: "person", Reason: "the unit id is missing or blank", Value: "\u00a0"},
			}, 1},
		{"a unit that is no number", "person,rating\nx,1\n", upload.FormatCSV, nil,
			[]build.Reject{{Line: 2, Column: "person", Reason: "not a bigint", Value: "x"}}, 0},
		{"lines are counted over multi-line fields, blank lines and mixed line ends", "person,rating,note\r\n1,2,\"a\nb\"\n\n2,x,\r3,4,\n4,y,\n", upload.FormatCSV, nil,
			[]build.Reject{{Line: 5, Column: "rating", Reason: notTiny, Value: "x"}, {Line: 7, Column: "rating", Reason: notTiny, Value: "y"}}, 2},
		{"records of another shape", "person,rating\n1\n2,3\n3,4,5\n\"4\"x,5\n", upload.FormatCSV, nil,
			[]build.Reject{
				{Line: 2, Reason: "the line has 1 fields where the header has 2"}, {Line: 4, Reason: "the line has 3 fields where the header has 2"},
				{Line: 5, Reason: "the line has text after a closing quote"},
			}, 1},
		{"bytes that are not UTF-8", "person,note\n1,ok\n2,\xff\n", upload.FormatCSV, []segment.Column{column("note", "varchar")},
			[]build.Reject{{Line: 3, Reason: "the line is not valid UTF-8"}}, 1},
		{"dates", "person,day\n1,2024-02-30\n2,infinity\n3,10000-01-01\n4,0001-01-01\n5,\n", upload.FormatCSV, []segment.Column{day},
			[]build.Reject{
				{Line: 2, Column: "day", Reason: "not a date: use 2024-01-31", Value: "2024-02-30"},
				{Line: 3, Column: "day", Reason: "outside of the years 1 to 9999", Value: "infinity"},
				{Line: 4, Column: "day", Reason: "outside of the years 1 to 9999", Value: "10000-01-01"},
			}, 2},
		{"decimals", "person,amount\n1,999.94\n2,1000\n3,abc\n", upload.FormatCSV, []segment.Column{amount},
			[]build.Reject{
				{Line: 3, Column: "amount", Reason: "not a decimal(4,1): a number with at most 3 digits before the point", Value: "1000"},
				{Line: 4, Column: "amount", Reason: "not a decimal(4,1): a number with at most 3 digits before the point", Value: "abc"},
			}, 1},
		{"long values are cut", "person,rating\n1," + strings.Repeat("9", 300) + "\n", upload.FormatCSV, nil,
			[]build.Reject{{Line: 2, Column: "rating", Reason: notTiny, Value: strings.Repeat("9", 100)}}, 0},
		{"lines of JSON", "{\"person\":1,\"rating\":2}\nnonsense\n\n[1]\n{\"person\":null,\"rating\":3}\n{\"person\":2,\"rating\":\"x\"}\n{\"person\":3,\"person\":4}\n{\"person\":\"5\"}\n", upload.FormatNDJSON, nil,
			[]build.Reject{
				{Line: 2, Reason: "the line is not valid JSON"}, {Line: 4, Reason: "the line is not a JSON object"},
				{Line: 5, Column: "person", Reason: "the unit id is missing or blank"}, {Line: 6, Column: "rating", Reason: notTiny, Value: "x"},
				{Line: 7, Reason: "the line has the key person twice"},
			}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			columns := c.columns
			if columns == nil {
				columns = []segment.Column{column("rating", "tinyint")}
			}
			spec := order(t, c.format, []byte(c.body), columns...)
			spec.MaxBadRecords = 100
			r := run(t, spec)
			wantOK(t, r)
			if diff := cmp.Diff(c.want, rejectsOf(t, spec)); diff != "" {
				t.Error(diff)
			}
			if r.RowsLoaded != c.loaded || r.RowsRejected != int64(len(c.want)) || r.RowsRead != c.loaded+int64(len(c.want)) {
				t.Errorf("counters %+v", r)
			}
			if got := len(rowsOf(t, spec)); got != int(c.loaded) {
				t.Errorf("%d rows in the segment", got)
			}
		})
	}
}

func TestRowsOfParquetAreRejectedByNumber(t *testing.T) {
	body := parquetOf(t, "SELECT * FROM (VALUES (1, 3.0), (2, 3.5), (NULL, 1.0), (4, 'nan'::DOUBLE)) v(person, rating)")
	spec := order(t, upload.FormatParquet, body, column("rating", "tinyint"))
	spec.MaxBadRecords = 3
	wantOK(t, run(t, spec))
	want := []build.Reject{
		{Line: 2, Column: "rating", Reason: "not a whole number, which tinyint needs", Value: "3.5"},
		{Line: 3, Column: "person", Reason: "the unit id is missing or blank"},
		{Line: 4, Column: "rating", Reason: "not a tinyint: a whole number from -128 to 127", Value: "nan"},
	}
	if diff := cmp.Diff(want, rejectsOf(t, spec)); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatAreRefusedAsAWhole(t *testing.T) {
	parquet := parquetOf(t, "SELECT 1 AS person, [1] AS rating")
	for _, c := range []struct {
		name   string
		format upload.Format
		body   string
		code   privacy.Code
		text   string
	}{
		{"a missing column", upload.FormatCSV, "person,score\n1,2\n", privacy.CodeLoadRejected, "column rating is missing among the 2 that the file names"},
		{"a column twice", upload.FormatCSV, "person,rating,rating\n1,2,3\n", privacy.CodeLoadRejected, "column rating occurs 2 times"},
		{"an empty CSV file", upload.FormatCSV, "", privacy.CodeLoadRejected, "the file is empty"},
		{"UTF-16", upload.FormatCSV, "\xff\xfep\x00", privacy.CodeLoadRejected, "UTF-16"},
		{"a quote that never closes", upload.FormatCSV, "person,rating\n1,\"2\n3,4\n", privacy.CodeLoadRejected, "opens on line 2 is not closed"},
		{"a last line of many megabytes without an end", upload.FormatCSV, "person,rating\n1,2\n" + strings.Repeat("x", 80<<20), privacy.CodeLoadRejected, "line 3 is longer than"},
		{"a key that no line has", upload.FormatNDJSON, "{\"person\":1}\n{\"person\":2}\n", privacy.CodeLoadRejected, "column rating is missing"},
		{"not Parquet", upload.FormatParquet, "person,rating\n", privacy.CodeLoadRejected, "not a Parquet file"},
		{"half a Parquet file", upload.FormatParquet, string(parquet[:len(parquet)/2]), privacy.CodeLoadRejected, "not a Parquet file"},
		{"a list for a value", upload.FormatParquet, string(parquetOf(t, "SELECT [1] AS person, 1 AS rating")), privacy.CodeLoadRejected, "column person holds lists or structures"},
		{"a structure for a value", upload.FormatParquet, string(parquetOf(t, "SELECT 1 AS person, {'a': 1} AS rating")), privacy.CodeLoadRejected, "column rating holds lists or structures"},
		{"not Arrow", upload.FormatArrow, "person,rating\n", privacy.CodeLoadRejected, "not an Arrow IPC stream"},
		{"a bad row", upload.FormatCSV, "person,rating\n1,a-private-value\n", privacy.CodeLoadRejected, "1 of 1 rows are bad, and max_bad_records is 0; the first: line 2, column rating: not a tinyint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, order(t, c.format, []byte(c.body), column("rating", "tinyint")))
			wantFailure(t, r, c.code, c.text)
			if r.RowsLoaded != 0 || strings.Contains(r.Error.Message, "private") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestCompressedFilesAreBounded(t *testing.T) {
	bomb := compressed(t, upload.EncodingGzip, bytes.Repeat([]byte("1,1\n"), 40<<20))
	spec := order(t, upload.FormatCSV, bomb, column("rating", "tinyint"))
	spec.Encoding = upload.EncodingGzip
	wantFailure(t, run(t, spec), privacy.CodeTooLarge, "decompresses to more than")

	spec = order(t, upload.FormatCSV, compressed(t, upload.EncodingZstd, []byte("person,rating\n1,1\n")), column("rating", "tinyint"))
	spec.Encoding = upload.EncodingGzip
	wantFailure(t, run(t, spec), privacy.CodeLoadRejected, "not valid gzip")

	half := compressed(t, upload.EncodingZstd, bytes.Repeat([]byte(sample), 1000))
	spec = order(t, upload.FormatCSV, half[:len(half)/2], column("rating", "tinyint"))
	spec.Encoding = upload.EncodingZstd
	wantFailure(t, run(t, spec), privacy.CodeLoadRejected, "not valid zstd")
}

func TestHeadersAreFoundInTheirUsualForms(t *testing.T) {
	for name, body := range map[string]string{
		"semicolons":             "person;rating\n1;2\n",
		"tabs":                   "person\trating\n1\t2\n",
		"bars":                   "person|rating\n1|2\n",
		"a byte order mark":      "\xef\xbb\xbfperson,rating\n1,2\n",
		"capitals and blanks":    "Person, Rating\n1,2\n",
		"blank lines before":     "\n\nperson,rating\n1,2\n",
		"CR LF":                  "person,rating\r\n1,2\r\n",
		"no newline at the end":  "person,rating\n1,2",
		"other order, and extra": "x,rating,person\n9,2,1\n",
		"quoted names":           "\"person\",\"rating\"\n\"1\",\"2\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			spec := order(t, upload.FormatCSV, []byte(body), column("rating", "tinyint"))
			wantOK(t, run(t, spec))
			want := []string{fmt.Sprintf("%d|2", duck.Pseudonym(testKey, "1"))}
			if diff := cmp.Diff(want, rowsOf(t, spec)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSparseNDJSONIsRead(t *testing.T) {
	body := strings.Repeat("{\"person\":1}\n", 1500) + "{\"person\":2,\"rating\":5}\n" // beyond the sample
	spec := order(t, upload.FormatNDJSON, []byte(body), column("rating", "tinyint"))
	r := run(t, spec)
	wantOK(t, r)
	if r.RowsLoaded != 1501 {
		t.Errorf("%+v", r)
	}
}

func TestPseudonymsAreOfTheCanonicalID(t *testing.T) {
	for _, c := range []struct {
		typ  string
		ids  []string
		want string
	}{
		{"bigint", []string{"7", "007", "+7", " 7 ", "7.0", "7e0"}, "7"},
		{"varchar", []string{"\u00e9", "e\u0301"}, "\u00e9"},
		{"varchar", []string{"a"}, "a"},
		{"varchar", []string{"a "}, "a "}, // white space around an id is part of it
	} {
		var body strings.Builder
		body.WriteString("person\n")
		for _, id := range c.ids {
			body.WriteString("\"" + id + "\"\n")
		}
		spec := order(t, upload.FormatCSV, []byte(body.String()))
		spec.Unit = column("person", c.typ)
		wantOK(t, run(t, spec))
		want := slices.Repeat([]string{fmt.Sprint(duck.Pseudonym(testKey, c.want))}, len(c.ids))
		if diff := cmp.Diff(want, rowsOf(t, spec)); diff != "" {
			t.Error(diff)
		}
	}
}

// No byte of a unit id, and no byte of the key, is in any file that stays.
func TestUnitIDsAndKeysAreNotStored(t *testing.T) {
	const canary = "canary-5f1d8e0c9b7a"
	spec := order(t, upload.FormatCSV, []byte("person,rating\n"+canary+",3\n"), column("rating", "tinyint"))
	spec.Unit = column("person", "varchar")
	r, err := child(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	wantOK(t, r)
	for _, name := range []string{build.SegmentFile, build.RejectsFile} {
		b, err := os.ReadFile(filepath.Join(spec.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(canary)) || bytes.Contains(b, testKey) {
			t.Errorf("%s holds a unit id or the key", name)
		}
	}
	out, _ := json.Marshal(r)
	if bytes.Contains(out, []byte(canary)) {
		t.Errorf("the result holds a unit id: %s", out)
	}
}

// Whatever the rows: read = loaded + rejected, the loaded rows are those that
// are good, and the segment is sorted by unit.
func TestEveryRowIsLoadedOrRejected(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(rt, "rows")
		var body strings.Builder
		body.WriteString("person,rating\n")
		var good []string
		for range n {
			person := rapid.SampledFrom([]string{"1", "2", "3", "-4", "", " ", "x"}).Draw(rt, "person")
			rating := rapid.SampledFrom([]string{"1", "5", "", "x", "2.5", "1000"}).Draw(rt, "rating")
			fmt.Fprintf(&body, "%s,%s\n", person, rating)
			if strings.Contains("1 2 3 -4", person) && strings.TrimSpace(person) != "" && strings.Contains("1 5", rating) && rating != " " {
				shown := rating
				if shown == "" {
					shown = "<nil>"
				}
				good = append(good, fmt.Sprintf("%d|%s", duck.Pseudonym(testKey, person), shown))
			}
		}
		spec := order(t, upload.FormatCSV, []byte(body.String()), column("rating", "tinyint"))
		spec.MaxBadRecords = 1000
		r := run(t, spec)
		if r.Error != nil {
			rt.Fatalf("%+v", r.Error)
		}
		if r.RowsRead != int64(n) || r.RowsLoaded+r.RowsRejected != r.RowsRead || r.RowsLoaded != int64(len(good)) {
			rt.Fatalf("%d rows, %d good: %+v", n, len(good), r)
		}
		stored := query(t, filepath.Join(spec.Dir, build.SegmentFile), "SELECT _unit, rating FROM seg.rows")
		if !slices.IsSortedFunc(stored, byUnit) {
			rt.Fatalf("the segment is not sorted: %v", stored)
		}
		if diff := cmp.Diff(sorted(good), sorted(stored)); diff != "" {
			rt.Fatal(diff)
		}
		if len(rejectsOf(t, spec)) != int(r.RowsRejected) {
			rt.Fatalf("%d rejects are listed of %d", len(rejectsOf(t, spec)), r.RowsRejected)
		}
	})
}

// byUnit compares rows as rowsOf shows them by their pseudonyms.
func byUnit(a, b string) int {
	unit := func(row string) uint64 {
		text, _, _ := strings.Cut(row, "|")
		n, _ := strconv.ParseUint(text, 10, 64)
		return n
	}
	return stdcmp.Compare(unit(a), unit(b))
}
