package worker_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
)

// checkCodes compares the codes of a segment's rows with the places of the texts
// as they are stored, and what it says of them with what was asked for.
func checkCodes(t testing.TB, spec build.Spec) {
	t.Helper()
	for _, c := range spec.Meta.Codes {
		list := "[]::VARCHAR[]"
		for _, v := range c.Values {
			list += " || [" + segment.Literal(v) + "]"
		}
		wrong := query(t, segmentFile(spec), fmt.Sprintf("SELECT %[1]s, %[2]s FROM seg.rows WHERE %[2]s <> coalesce(list_position(%[3]s, %[1]s) - 1, %[4]d)",
			segment.Quote(c.Column), segment.Quote(plan.CodeColumn(c.Column)), list, len(c.Values)))
		if len(wrong) > 0 {
			t.Errorf("texts and codes of %q: %q", c.Values, wrong)
		}
	}
	if diff := cmp.Diff(spec.Meta.CodeColumns(), query(t, segmentFile(spec), "SELECT column_name FROM (DESCRIBE seg.rows) WHERE starts_with(column_name, '_code:')")); diff != "" {
		t.Error(diff)
	}
	said := query(t, segmentFile(spec), "SELECT value FROM seg.meta WHERE key = 'codes'")
	if len(spec.Meta.Codes) == 0 && len(said) == 0 {
		return
	}
	digests := query(t, segmentFile(spec), "SELECT k || ' ' || (value::JSON->>k) FROM (SELECT value, unnest(json_keys(value)) AS k FROM seg.meta WHERE key = 'codes') ORDER BY ALL")
	var want []string
	for column, digest := range spec.Meta.Digests() {
		want = append(want, column+" "+digest)
	}
	if diff := cmp.Diff(sorted(want), digests); diff != "" {
		t.Error(diff)
	}
}

// notes are what is declared of the sample's texts, and other texts.
var notes = segment.Coded{Column: "note", Values: []string{"é", "nowhere", "a \"quoted\", two-\nline note", ""}}

// Texts have the same codes, whatever format they came in, and whether the file
// was clean. A missing text has none, and an empty one is a text.
func TestCodesOfEveryFormat(t *testing.T) {
	for _, format := range []upload.Format{upload.FormatCSV, upload.FormatNDJSON, upload.FormatParquet, upload.FormatArrow} {
		for _, declared := range [][]string{notes.Values, notes.Values[:2], {"nowhere"}} {
			spec := order(t, format, convert(t, format), sampleColumns()...)
			spec.Meta.Codes = []segment.Coded{{Column: "note", Values: declared}}
			spec.Meta.Ranks = [][]string{{"note"}}
			r, err := child(t, spec)
			if err != nil {
				t.Fatal(err)
			}
			wantOK(t, r)
			checkCodes(t, spec)
		}
	}
	spec := order(t, upload.FormatCSV, []byte(sample+"x,1,é,,,,,,\n9,,e\u0301,,,,,,\n9,,it's,,,,,,\n"), sampleColumns()...)
	spec.Meta.Codes, spec.MaxBadRecords = []segment.Coded{{Column: "note", Values: append([]string{"it's"}, notes.Values...)}}, 1
	wantOK(t, run(t, spec))
	checkCodes(t, spec)
	got := query(t, segmentFile(spec), `SELECT "_code:note" FROM seg.rows ORDER BY ALL`)
	if diff := cmp.Diff([]string{"0", "1", "1", "3", "4", "5"}, got); diff != "" {
		t.Errorf("of a file with a bad row, with and without ranks, in NFC: %s", diff)
	}
}

// places are orders for a few rows, with codes of two columns.
func places(t testing.TB, public bool, cities ...string) build.Spec {
	t.Helper()
	body := "person,n,city,street\n"
	for i := range 5000 { // several chunks
		body += fmt.Sprintf("%d,%d,%s,%s\n", i%700, i, cities[i%len(cities)], cities[i%3%len(cities)])
	}
	spec := order(t, upload.FormatCSV, []byte(body), column("n", "integer"), column("city", "varchar"), column("street", "varchar"))
	spec.Meta.Ranks = [][]string{{"city"}, {"n", "street"}}
	if public {
		spec.Meta.Public, spec.Meta.Ranks, spec.Unit, spec.Salt, spec.Key = true, nil, segment.Column{}, nil, nil
	}
	return spec
}

func codesOf(cities, streets []string) []segment.Coded {
	return []segment.Coded{{Column: "city", Values: cities}, {Column: "street", Values: streets}}
}

var (
	someCities  = []string{"Ulm", "", "Bonn", "Zürich", "a city with a long name"}
	declaredOne = codesOf([]string{"Bonn", "Ulm", "a city with a long name"}, []string{"Ulm"})
	declaredTwo = codesOf([]string{"Zürich", "Ulm"}, someCities)
)

// Segments with codes of other values, and without any, go on from each other and
// are merged, in both ways. All rows of a merge have the codes that it asks for.
func TestCodesOfSeveralSegments(t *testing.T) {
	for _, public := range []bool{false, true} {
		var paths []string
		for i, codes := range [][]segment.Coded{nil, declaredOne, declaredTwo} {
			spec := places(t, public, someCities[i:]...)
			spec.Meta.Codes = codes
			if !public {
				spec.Earlier = slices.Clone(paths)
			}
			wantOK(t, run(t, spec))
			checkCodes(t, spec)
			paths = append(paths, segmentFile(spec))
		}
		for _, keep := range []bool{false, !public} {
			for _, codes := range [][]segment.Coded{nil, declaredOne, declaredTwo[1:]} {
				merged := places(t, public, "")
				merged.Task, merged.Segments, merged.Keep, merged.Meta.Codes = build.TaskMerge, paths, keep, codes
				r := run(t, merged)
				wantOK(t, r)
				if checkCodes(t, merged); r.RowsStored != 15_000 {
					t.Errorf("%+v", r.Counts)
				}
			}
		}
	}
}

// A merge that finds codes leaves rows as one that does not.
func TestCodesChangeNothingElse(t *testing.T) {
	var paths []string
	for range 2 {
		spec := places(t, false, someCities...)
		spec.Earlier = slices.Clone(paths)
		wantOK(t, run(t, spec))
		paths = append(paths, segmentFile(spec))
	}
	for _, keep := range []bool{false, true} {
		var got [2][]string
		for i, codes := range [][]segment.Coded{nil, declaredOne} {
			merged := places(t, false, "")
			merged.Task, merged.Segments, merged.Keep, merged.Meta.Codes = build.TaskMerge, paths, keep, codes
			wantOK(t, run(t, merged))
			got[i] = query(t, segmentFile(merged), "SELECT COLUMNS(c -> NOT starts_with(c, '_code:')) FROM seg.rows")
		}
		if diff := cmp.Diff(got[0], got[1]); diff != "" {
			t.Error(diff)
		}
	}
}

// Rows that are put in order only, since the segments before have no ranks, and
// those of units that are found through keys, have codes too.
func TestCodesWithoutRanks(t *testing.T) {
	spec := places(t, false, someCities...)
	spec.Meta.Ranks, spec.Meta.Codes = nil, declaredTwo
	wantOK(t, run(t, spec))
	checkCodes(t, spec)

	found := items(t, "10,bread\n11,milk\n10,\n11,salt\n", purchases(t, "1,10\n1,11\n2,10\n"))
	found.Meta.Codes = []segment.Coded{{Column: "what", Values: []string{"milk", "bread"}}}
	wantOK(t, run(t, found))
	checkCodes(t, found)
}

func TestCodesOfAColumnThatIsNotThere(t *testing.T) {
	spec := places(t, false, someCities...)
	spec.Meta.Codes = []segment.Coded{{Column: "n", Values: []string{"1"}}}
	if r := run(t, spec); r.Error == nil {
		t.Error("no error")
	}
}
