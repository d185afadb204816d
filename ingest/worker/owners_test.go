package worker_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// segmentOf runs a spec and returns its segment.
func segmentOf(t testing.TB, spec build.Spec) string {
	t.Helper()
	r, err := child(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	wantOK(t, r)
	return filepath.Join(spec.Dir, build.SegmentFile)
}

// purchases is a table with the unit column person and the key n.
func purchases(t testing.TB, rows string) string {
	t.Helper()
	return segmentOf(t, order(t, upload.FormatCSV, []byte("person,n\n"+rows), column("n", "integer")))
}

// items is a load of the table that reaches its units through purchases.n.
func items(t testing.TB, rows string, parents ...string) build.Spec {
	t.Helper()
	spec := order(t, upload.FormatCSV, []byte("n,what\n"+rows), column("n", "integer"), column("what", "varchar"))
	spec.Unit, spec.Key = column("n", "integer"), nil
	spec.Meta.Table = "items"
	spec.Parent = &build.Parent{Table: "purchases", Key: "n", Segments: parents}
	return spec
}

// owned returns the rows of a segment as "id what" for the persons given.
func owned(t testing.TB, spec build.Spec, column string, persons ...string) []string {
	t.Helper()
	path := filepath.Join(spec.Dir, build.SegmentFile)
	names := map[string]string{}
	for _, p := range persons {
		names[fmt.Sprint(duck.Pseudonym(testKey, p))] = p
	}
	var out []string
	for _, row := range query(t, path, "SELECT _unit, "+column+" FROM seg.rows") {
		unit, rest, _ := strings.Cut(row, "|")
		name, ok := names[unit]
		if !ok {
			name = "stranger"
		}
		out = append(out, name+" "+rest)
	}
	slices.Sort(out)
	return out
}

func TestKeysLeadToUnits(t *testing.T) {
	first := purchases(t, "1,10\n1,11\n2,20\n")
	second := purchases(t, "2,10\n2,10\n1,11\n3,30\n") // purchase 10 is shared by 1 and 2
	spec := items(t, "10,bread\n11,milk\n99,stray\n20,salt\n,nothing\n10,wine\nx,word\n", first, second)
	spec.MaxBadRecords = 3
	r, err := child(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	wantOK(t, r)
	if r.RowsRead != 7 || r.RowsLoaded != 4 || r.RowsRejected != 3 || r.RowsStored != 6 {
		t.Errorf("counters %+v", r)
	}
	want := []string{"1 bread", "1 milk", "1 wine", "2 bread", "2 salt", "2 wine"}
	if diff := cmp.Diff(want, owned(t, spec, "what", "1", "2", "3")); diff != "" {
		t.Error(diff)
	}
	wantRejects := []build.Reject{
		{Line: 4, Column: "n", Reason: "no row of purchases has this key", Value: "99"},
		{Line: 6, Column: "n", Reason: "the key that leads to the unit is missing or blank"},
		{Line: 8, Column: "n", Reason: "not an integer: a whole number from -2147483648 to 2147483647", Value: "x"},
	}
	if diff := cmp.Diff(wantRejects, rejectsOf(t, spec)); diff != "" {
		t.Error(diff)
	}
}

func TestRowsOfParquetNameTheirNumber(t *testing.T) {
	spec := items(t, "", purchases(t, "1,10\n"))
	spec.Format = upload.FormatParquet
	spec.Input = order(t, upload.FormatParquet, parquetOf(t, "SELECT unnest([10, 7]) AS n, 'x' AS what")).Input
	wantFailure(t, run(t, spec), privacy.CodeLoadRejected, "1 of 2 rows are bad, and max_bad_records is 0; the first: row 2, column n: no row of purchases has this key")
}

// Where the parent has no rows at all, every row would be rejected for the same
// reason: the load says it once, whatever max_bad_records is and however long the
// upload, and rejects none.
func TestTheParentIsLoadedFirst(t *testing.T) {
	for name, c := range map[string]struct {
		kind     string
		rows     string
		segments []string
	}{
		"never loaded":           {"integer", "10,bread\n11,milk\n", nil},
		"never loaded, by words": {"varchar", "10,bread\n11,milk\n", nil},
		"loaded without rows":    {"integer", "10,bread\n11,milk\n", []string{purchases(t, ""), purchases(t, "")}},
		"a row that is bad":      {"integer", "x,bread\n11,milk\n", nil},
		"a row without form":     {"integer", "1,bread,3\n11,milk\n", nil},
	} {
		spec := items(t, c.rows, c.segments...)
		spec.Unit, spec.Columns[0] = column("n", c.kind), column("n", c.kind)
		spec.MaxBadRecords = 10
		r := run(t, spec)
		wantFailure(t, r, privacy.CodeLoadRejected, "load purchases first: it has no rows yet, and a row here belongs to whoever has its n there")
		if r.RowsRead != 0 || r.RowsRejected != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		spec = items(t, "", c.segments...)
		spec.Unit, spec.Columns[0] = column("n", c.kind), column("n", c.kind)
		if r = run(t, spec); r.Error != nil || r.RowsStored != 0 {
			t.Errorf("%s, and no rows: %+v", name, r)
		}
	}
}

// A foreign key that refers to the unit's id leads to the same pseudonym, and is
// not stored.
func TestForeignKeysThatAreUnitIDs(t *testing.T) {
	spec := order(t, upload.FormatCSV, []byte("who,n\n1,10\n2,20\n7,70\n 1 ,11\n"), column("n", "integer"))
	spec.Unit = column("who", "bigint")
	spec.Parent = &build.Parent{Table: "people", Segments: []string{purchases(t, "1,0\n1,5\n2,0\n")}}
	spec.MaxBadRecords, spec.Meta.Ranks = 1, [][]string{}
	r, err := child(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	wantOK(t, r)
	if diff := cmp.Diff([]string{"1 10", "1 11", "2 20"}, owned(t, spec, "n", "1", "2")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]build.Reject{{Line: 4, Column: "who", Reason: "no row of people has this key"}}, rejectsOf(t, spec)); diff != "" {
		t.Error(diff)
	}
	if got := query(t, filepath.Join(spec.Dir, build.SegmentFile), "SELECT column_name FROM (DESCRIBE seg.rows)"); !cmp.Equal(got, []string{"_unit", "n", "_row"}) {
		t.Errorf("stored columns %v", got)
	}
}

// A shared row that one unit has no room for stays with the other, and is not
// rejected: else the one unit's rows would decide about the other's.
func TestTheBoundOnAUnitTakesItsOwnCopiesOnly(t *testing.T) {
	parent := purchases(t, "1,10\n2,10\n1,11\n")
	spec := items(t, "10,a\n10,b\n10,c\n11,d\n11,e\n11,f\n", parent)
	spec.MaxRows = 3
	r := run(t, spec)
	wantOK(t, r)
	rows := owned(t, spec, "what", "1", "2")
	var ones, twos []string
	for _, row := range rows {
		if strings.HasPrefix(row, "1 ") {
			ones = append(ones, row)
		} else {
			twos = append(twos, row)
		}
	}
	if diff := cmp.Diff([]string{"2 a", "2 b", "2 c"}, twos); diff != "" {
		t.Error(diff)
	}
	kept := map[string]bool{"a": true, "b": true, "c": true} // by 2
	for _, row := range ones {
		kept[row[2:]] = true
	}
	if len(ones) != 3 || r.RowsStored != 6 || r.RowsLoaded != int64(len(kept)) || r.RowsRejected != 6-r.RowsLoaded {
		t.Errorf("unit 1 keeps %v; counters %+v", ones, r)
	}
	if got := int64(len(rejectsOf(t, spec))); got != r.RowsRejected {
		t.Errorf("%d rejects are listed, want %d", got, r.RowsRejected)
	}
}

// What is stored of one unit depends on that unit's rows in the parent table
// only: with and without another unit there, it is the same, and that other
// one is gone entirely. Keys are shared freely, and a bound on rows is met.
func TestNeighbourUnitsInAParentTable(t *testing.T) {
	const units, keys = 5, 8
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 3))
			var with, without, rows strings.Builder
			for range 24 {
				unit, key := rng.IntN(units), rng.IntN(keys)
				fmt.Fprintf(&with, "%d,%d\n", unit, key)
				if unit != 0 {
					fmt.Fprintf(&without, "%d,%d\n", unit, key)
				}
			}
			for i := range 60 {
				fmt.Fprintf(&rows, "%d,w%d\n", rng.IntN(keys+1), i)
			}
			load := func(parent string) []string {
				spec := items(t, rows.String(), purchases(t, parent))
				spec.MaxRows, spec.MaxBadRecords = 20, 60
				wantOK(t, run(t, spec))
				return owned(t, spec, "what", "0", "1", "2", "3", "4")
			}
			ofZero := func(row string) bool { return strings.HasPrefix(row, "0 ") }
			d, neighbour := load(with.String()), load(without.String())
			if !slices.ContainsFunc(d, ofZero) || slices.ContainsFunc(neighbour, ofZero) {
				t.Errorf("unit 0 has rows in %v or not in %v", neighbour, d)
			}
			if diff := cmp.Diff(slices.DeleteFunc(d, ofZero), neighbour); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPublicTablesHaveNoUnits(t *testing.T) {
	spec := order(t, upload.FormatCSV, []byte("n,name\n2,France\n1,Peru\n,nowhere\nx,bad\n"), column("n", "integer"), column("name", "varchar"))
	spec.Meta = segment.Meta{Dataset: "d", Table: "nation", Public: true, ContractVersion: 1}
	spec.Unit, spec.Key, spec.Salt = segment.Column{}, nil, nil
	spec.MaxBadRecords = 1
	r, err := child(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	wantOK(t, r)
	if r.RowsRead != 4 || r.RowsLoaded != 3 || r.RowsStored != 3 || r.RowsRejected != 1 {
		t.Errorf("counters %+v", r)
	}
	path := filepath.Join(spec.Dir, build.SegmentFile)
	want := []string{"2|France", "1|Peru", "<nil>|nowhere"}
	if diff := cmp.Diff(want, query(t, path, "SELECT * FROM seg.rows")); diff != "" {
		t.Error(diff)
	}
	merged := order(t, upload.FormatCSV, nil, spec.Columns...)
	merged.Task, merged.Meta, merged.Segments = build.TaskMerge, spec.Meta, []string{path, path}
	if got := segmentOf(t, merged); len(query(t, got, "SELECT * FROM seg.rows")) != 6 {
		t.Errorf("merged: %v", query(t, got, "SELECT * FROM seg.rows"))
	}
}

func TestOrdersThatNoServerGives(t *testing.T) {
	for name, edit := range map[string]func(*build.Spec){
		"no unit":                      func(s *build.Spec) { s.Unit = segment.Column{} },
		"no key for unit ids":          func(s *build.Spec) { s.Key = nil },
		"no salt":                      func(s *build.Spec) { s.Salt = nil },
		"a key that is not stored":     func(s *build.Spec) { s.Parent = &build.Parent{Table: "p", Key: "k"} },
		"no input":                     func(s *build.Spec) { s.Input = "" },
		"a directory that is nobody's": func(s *build.Spec) { s.Dir = "here" },
	} {
		t.Run(name, func(t *testing.T) {
			spec := order(t, upload.FormatCSV, []byte("person,n\n"), column("n", "integer"))
			edit(&spec)
			wantFailure(t, run(t, spec), privacy.CodeInternal, "")
		})
	}
}
