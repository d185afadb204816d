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
)

func segmentFile(spec build.Spec) string { return filepath.Join(spec.Dir, build.SegmentFile) }

// appended runs loads one after the other, each behind those before.
func appended(t *testing.T, loads [][]string) (specs []build.Spec, paths []string) {
	t.Helper()
	for _, lines := range loads {
		spec := ranked(t, lines)
		spec.Earlier = slices.Clone(paths)
		wantOK(t, run(t, spec))
		specs, paths = append(specs, spec), append(paths, segmentFile(spec))
	}
	return specs, paths
}

// The ranks of appended rows go on from those of the unit's earlier rows, and are
// a matter of its rows in each load and the salt alone. A merge keeps every row
// as it is.
func TestRanksOfAppendedRows(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		pick := func(values ...string) string { return values[rng.IntN(len(values))] }
		var loads, mixed, alone [][]string
		for range 2 + rng.IntN(3) {
			var lines, mine []string
			for range 1 + rng.IntN(40) {
				line := fmt.Sprintf("%d,%s,%d,%s\n", 1+rng.IntN(4), pick("", "Ulm", "Bonn", "a text of some length"), rng.IntN(4), pick("0", "-0.5", "nan", ""))
				if lines = append(lines, line); strings.HasPrefix(line, "1,") {
					mine = append(mine, line)
				}
			}
			loads, alone = append(loads, lines), append(alone, mine)
			lines = slices.Clone(lines)
			rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			mixed = append(mixed, lines)
		}
		specs, paths := appended(t, loads)
		again, _ := appended(t, mixed)
		single, _ := appended(t, alone)
		person := fmt.Sprintf("%d|", duck.Pseudonym(testKey, "1"))
		var all []string
		for i := range specs {
			rows := whole(t, specs[i])
			if diff := cmp.Diff(rows, whole(t, again[i])); diff != "" {
				t.Errorf("seed %d, load %d in another order: %s", seed, i, diff)
			}
			all = append(all, rows...)
			mine := slices.DeleteFunc(rows, func(row string) bool { return !strings.HasPrefix(row, person) })
			if diff := cmp.Diff(mine, whole(t, single[i]), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("seed %d, load %d without the others: %s", seed, i, diff)
			}
		}
		merged := ranked(t, nil)
		merged.Task, merged.Segments, merged.Keep = build.TaskMerge, paths, true
		wantOK(t, run(t, merged))
		if diff := cmp.Diff(sorted(all), sorted(whole(t, merged))); diff != "" {
			t.Errorf("seed %d: the merge changed rows: %s", seed, diff)
		}
		checkRanks(t, merged)
	}
}

// checkRanks compares the ranks of a merged segment with what they number: a
// unit's rows, in the order in which they lie; its keys by the first load that
// had them; and the rows of each key in the order of the unit's rows.
func checkRanks(t *testing.T, merged build.Spec) {
	t.Helper()
	all := "SELECT *, rowid AS place FROM seg.rows"
	for _, keys := range []string{"city", "city, n"} {
		grouping := strings.ReplaceAll(keys, ", ", ",")
		wrong := query(t, segmentFile(merged), fmt.Sprintf(`SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY _unit ORDER BY place) - 1 AS unit_at,
			row_number() OVER (PARTITION BY _unit, %[1]s ORDER BY _row) - 1 AS within,
			dense_rank() OVER (PARTITION BY _unit ORDER BY "_key:%[2]s") - 1 AS keys,
			min("_key:%[2]s") OVER (PARTITION BY _unit, %[1]s) AS lowest, max("_key:%[2]s") OVER (PARTITION BY _unit, %[1]s) AS highest FROM (%[3]s))
			WHERE _row <> unit_at OR "_row:%[2]s" <> within OR "_key:%[2]s" <> keys OR lowest <> highest`, keys, grouping, all))
		if len(wrong) > 0 {
			t.Errorf("ranks by %s are wrong: %v", keys, wrong)
		}
	}
}

// What a unit may have it may have in all, whatever came when: an append drops
// what is beyond, and lists it.
func TestBoundsOnAUnitGoOn(t *testing.T) {
	var earlier []string
	kept := 0
	for load := range 3 {
		spec := ranked(t, []string{"1,Ulm,1,0\n", "1,Ulm,2,0\n", "1,Bonn,3,0\n", fmt.Sprintf("%d,Ulm,1,1\n", 7+load)})
		spec.MaxRows, spec.Earlier = 4, slices.Clone(earlier)
		r := run(t, spec)
		wantOK(t, r)
		before := kept
		kept = min(4, kept+3)
		if left := int64(3 - (kept - before)); r.RowsRejected != left || r.RowsLoaded != 4-left || len(rejectsOf(t, spec)) != int(left) {
			t.Errorf("load %d: %+v, with %d rows to be left out", load, r, left)
		}
		earlier = append(earlier, segmentFile(spec))
	}
}

// Units with more rows than a chunk, before and after, and more keys than are
// held unsorted.
func TestAppendsToLargeUnits(t *testing.T) {
	var earlier []string
	for load := range 3 {
		lines := make([]string, 0, 9000)
		for i := range 9000 {
			lines = append(lines, fmt.Sprintf("%d,c%d,%d,0\n", i%2, (i+load*2000)%6001, load))
		}
		spec := ranked(t, lines)
		spec.Earlier = slices.Clone(earlier)
		wantOK(t, run(t, spec))
		earlier = append(earlier, segmentFile(spec))
	}
	merged := ranked(t, nil)
	merged.Task, merged.Segments, merged.Keep = build.TaskMerge, earlier, true
	wantOK(t, run(t, merged))
	checkRanks(t, merged)
}
