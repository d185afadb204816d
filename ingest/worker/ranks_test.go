package worker_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/upload"
)

// ranked is an order for a file with the given rows, whose ranks are stored for
// two groupings.
func ranked(t testing.TB, lines []string) build.Spec {
	t.Helper()
	spec := order(t, upload.FormatCSV, []byte("person,city,n,x\n"+strings.Join(lines, "")),
		column("city", "varchar"), column("n", "integer"), column("x", "double"))
	spec.Meta.Ranks = [][]string{{"city"}, {"city", "n"}}
	return spec
}

// whole returns all columns of a segment's rows in the order in which they lie.
func whole(t testing.TB, spec build.Spec) []string {
	t.Helper()
	return query(t, filepath.Join(spec.Dir, build.SegmentFile), "SELECT * FROM seg.rows")
}

// The ranks of a unit's rows are a matter of that unit's rows and the salt: not
// of the order of the upload, of threads, of other units, or of how many loads
// the rows came in.
func TestRanksAreOfTheUnitAlone(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 0))
		pick := func(values ...string) string { return values[rng.IntN(len(values))] }
		var mine, others []string
		for range 1 + rng.IntN(60) {
			line := fmt.Sprintf("%d,%s,%d,%s\n", 1+rng.IntN(3), pick("", "Ulm", "a text of some length"), rng.IntN(4), pick("0", "-0.5", "nan", ""))
			if strings.HasPrefix(line, "1,") {
				mine = append(mine, line)
			} else {
				others = append(others, line)
			}
		}
		all := ranked(t, slices.Concat(mine, others))
		mixed := slices.Concat(others, mine)
		rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		permuted := ranked(t, mixed)
		permuted.Threads = 1
		alone := ranked(t, mine)
		cut := rng.IntN(len(mixed))
		parts := []build.Spec{ranked(t, mixed[:cut]), ranked(t, mixed[cut:])}
		for _, spec := range append(parts, all, permuted, alone) {
			wantOK(t, run(t, spec))
		}
		merged := ranked(t, nil)
		merged.Task = build.TaskMerge
		for _, part := range parts {
			merged.Segments = append(merged.Segments, filepath.Join(part.Dir, build.SegmentFile))
		}
		wantOK(t, run(t, merged))

		same := func(when string, want, got []string) {
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("seed %d: %s: %s", seed, when, diff)
			}
		}
		want := whole(t, all)
		same("in another order", want, whole(t, permuted))
		same("in two loads", want, whole(t, merged))
		person := fmt.Sprintf("%d|", duck.Pseudonym(testKey, "1"))
		same("without the others", slices.DeleteFunc(want, func(row string) bool { return !strings.HasPrefix(row, person) }), whole(t, alone))
	}
}

// The ranks of rows are compared with those of later loads, by merges: they
// never change. Equal values are equal, however they are written.
func TestStoredRanksNeverChange(t *testing.T) {
	spec := ranked(t, []string{"7,Ulm,1,0\n", "7,Ulm,1,-0\n", "7,Bonn,2,nan\n", "7,Bonn,,1e3\n", "7,,3,\n", "7,a city with a long name,1,2\n", "8,Ulm,1,1\n"})
	wantOK(t, run(t, spec))
	got := query(t, filepath.Join(spec.Dir, build.SegmentFile), `SELECT city, n, _row, "_key:city", "_row:city", "_key:city,n", "_row:city,n" FROM seg.rows`)
	want := []string{
		"Ulm|1|0|0|0|0|0",
		"Ulm|1|0|3|0|4|0",
		"Ulm|1|1|3|1|4|1",
		"Bonn|2|2|0|0|0|0",
		"<nil>|3|3|1|0|1|0",
		"Bonn|<nil>|4|0|1|2|0",
		"a city with a long name|1|5|2|0|3|0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	meta := query(t, filepath.Join(spec.Dir, build.SegmentFile), "SELECT value FROM seg.meta WHERE key = 'ranks'")
	if diff := cmp.Diff([]string{`[["city"],["city","n"]]`}, meta); diff != "" {
		t.Error(diff)
	}
}

// The rows of one unit may fill many chunks, and the last row of one may be the
// first of the next.
func TestUnitsAcrossChunks(t *testing.T) {
	body := parquetOf(t, `SELECT (i // 5000)::BIGINT AS person, (i % 3)::TINYINT AS k, 'some longer text ' || i AS note FROM range(20001) r(i)`)
	spec := order(t, upload.FormatParquet, body, column("k", "tinyint"), column("note", "varchar"))
	spec.Meta.Ranks = [][]string{{"k"}}
	wantOK(t, run(t, spec))
	got := query(t, filepath.Join(spec.Dir, build.SegmentFile), `SELECT count(*), count(DISTINCT (_unit, _row)), max(_row), max("_key:k"), max("_row:k"),
		count(DISTINCT (_unit, "_key:k", "_row:k")), count(DISTINCT (_unit, k, "_key:k")), count(DISTINCT note) FROM seg.rows`)
	if want := []string{"20001|20001|4999|2|1666|20001|13|20001"}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A unit with very many rows is cut while it is read, to what it would have been
// cut to at its end.
func TestALargeUnitIsTrimmedAsItComes(t *testing.T) {
	kept := func(order string) []string {
		body := parquetOf(t, `SELECT (i % 2)::BIGINT AS person, i::INTEGER AS n, 'row number ' || i AS note FROM range(400000) r(i) `+order)
		spec := ranks3(t, body)
		r := run(t, spec)
		wantOK(t, r)
		if r.RowsLoaded != 6 || r.RowsRejected != 399_994 || len(rejectsOf(t, spec)) != build.MaxRejects {
			t.Errorf("%+v", r)
		}
		return whole(t, spec)
	}
	if diff := cmp.Diff(kept("ORDER BY i"), kept("ORDER BY hash(i)")); diff != "" {
		t.Error(diff)
	}
}

func ranks3(t testing.TB, body []byte) build.Spec {
	t.Helper()
	spec := order(t, upload.FormatParquet, body, column("n", "integer"), column("note", "varchar"))
	spec.MaxRows = 3
	return spec
}
