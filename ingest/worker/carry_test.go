package worker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
)

// carried is an order for rows whose texts pass through the sort as numbers, with
// long and short texts, empty and missing ones, and some that are not declared.
func carried(t testing.TB, others int, after string) build.Spec {
	t.Helper()
	words := []string{"Ulm", `""`, "", "Zürich", "e\u0301", "twelve bytes", "thirteen byte", `"a city with a long name, of all"`, "東京都"}
	var body strings.Builder
	body.WriteString("person,n,city,street\n")
	for i := range 20_000 {
		street := words[i*7%len(words)]
		if others > 0 && i%4 == 0 {
			street = fmt.Sprintf("street number %d", i%others)
		}
		fmt.Fprintf(&body, "%d,%d,%s,%s\n", i*i%1700, i%5, "xyz"[i%4%3:][:1], street)
	}
	spec := order(t, upload.FormatCSV, []byte(body.String()+after), column("n", "integer"), column("city", "varchar"), column("street", "varchar"))
	spec.Meta.Ranks = [][]string{{"street"}, {"city", "n"}, {"n"}}
	spec.Meta.Codes = codesOf([]string{"y", "x"}, []string{"é", "thirteen byte", "", "a city with a long name, of all", "twelve bytes", "Ulm"})
	spec.MaxBadRecords = 1
	return spec
}

// What passes through the sort as numbers is stored as it is where a bad row sends the
// file another way: the same rows in the same order, with their ranks and codes. That
// holds for texts that are not declared, whether or not there is room for all, and
// where texts are not carried, since there are many or long ones.
func TestCarriedTextsAreStoredAsTheyAre(t *testing.T) {
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("street number %d", i)
	}
	for name, change := range map[string]func(*build.Spec){
		"as it is":       func(*build.Spec) {},
		"without ranks":  func(s *build.Spec) { s.Meta.Ranks = nil },
		"many declared":  func(s *build.Spec) { s.Meta.Codes[1].Values = many },
		"a long text":    func(s *build.Spec) { s.Meta.Codes[1].Values = []string{strings.Repeat("long", 1000), "Ulm"} },
		"declared twice": func(s *build.Spec) { s.Meta.Codes[1].Values = []string{"Ulm", "é", "Ulm", ""} },
	} {
		for _, others := range []int{0, 5, 10_000} {
			t.Run(fmt.Sprintf("%s %d", name, others), func(t *testing.T) {
				a, b := carried(t, others, ""), carried(t, others, "x,,,\n")
				change(&a)
				change(&b)
				x, y := run(t, a), run(t, b)
				wantOK(t, x)
				wantOK(t, y)
				if x.RowsStored != 20_000 || y.RowsStored != 20_000 || x.RowsRead != 20_000 || x.RowsLoaded != 20_000 || y.RowsRejected != 1 {
					t.Errorf("%+v, %+v", x.Counts, y.Counts)
				}
				const stored = "SELECT COLUMNS(*)::VARCHAR FROM seg.rows"
				if diff := cmp.Diff(query(t, segmentFile(b), stored), query(t, segmentFile(a), stored)); diff != "" {
					t.Errorf("%.2000s", diff)
				}
				if name == "as it is" {
					checkCodes(t, a)
				}
			})
		}
	}
}

// A unit with more rows than it may have is cut to them, of texts that are carried,
// too.
func TestCarriedTextsOfACrowdedUnit(t *testing.T) {
	var body strings.Builder
	body.WriteString("person,city\n")
	for i := range build.MaxUnitRows + 1000 {
		body.WriteString("1," + []string{"Ulm", "", "Bonn"}[i%3] + "\n")
	}
	spec := order(t, upload.FormatCSV, []byte(body.String()), column("city", "varchar"))
	spec.MemoryMB = 1200
	spec.Meta.Ranks, spec.Meta.Codes = [][]string{{"city"}}, []segment.Coded{{Column: "city", Values: []string{"Bonn", "Ulm"}}}
	r := run(t, spec)
	wantOK(t, r)
	if checkCodes(t, spec); r.RowsStored != build.MaxUnitRows {
		t.Errorf("%+v", r.Counts)
	}
}
