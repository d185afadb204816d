package rank

import (
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// rankedRow is a row as it is stored.
type rankedRow struct {
	unitRow
	unit, key, row int
}

// reference ranks a load behind what is stored, by counting.
func reference(stored []rankedRow, load []unitRow) (ranked []rankedRow) {
	known := map[uint64]int{} // ranks of keys
	within := map[uint64]int{}
	for _, r := range stored {
		known[r.unitRow.key] = r.key
		within[r.unitRow.key]++
	}
	fresh := map[uint64]bool{}
	for _, r := range load {
		if _, ok := known[r.key]; !ok {
			fresh[r.key] = true
		}
	}
	for at, r := range load {
		key, ok := known[r.key]
		if !ok {
			key = len(known)
			for other := range fresh {
				if other < r.key {
					key++
				}
			}
		}
		ranked = append(ranked, rankedRow{r, len(stored) + at, key, within[r.key]})
		within[r.key]++
	}
	return ranked
}

// TestRanksGoOnOverLoads: what a load adds ranks behind what there is, as the
// definition says; and over all loads together, a filter keeps of the unit no
// more than the limits say, whatever the hashes are.
func TestRanksGoOnOverLoads(t *testing.T) {
	small := rapid.Uint64Range(0, 5)
	rapid.Check(t, func(rt *rapid.T) {
		row := rapid.Custom(func(rt *rapid.T) unitRow {
			return unitRow{small.Draw(rt, "hash"), small.Draw(rt, "key"), small.Draw(rt, "value")}
		})
		var stored []rankedRow
		for range rapid.IntRange(1, 5).Draw(rt, "loads") {
			load := rapid.SliceOfN(row, 1, 20).Draw(rt, "rows")
			order, key, within := rankRows(load, rapid.Permutation(stored).Draw(rt, "earlier")...)
			sorted := make([]unitRow, len(load))
			for place, i := range order {
				sorted[place] = load[i]
			}
			want := reference(stored, sorted)
			for place, w := range want {
				if int(key[place]) != w.key || int(within[place]) != w.row {
					rt.Fatalf("row %d has key rank %d and row rank %d, want %d and %d", w.unit, key[place], within[place], w.key, w.row)
				}
			}
			stored = append(stored, want...)
		}
		l0, c := rapid.IntRange(1, 4).Draw(rt, "l0"), rapid.IntRange(1, 4).Draw(rt, "c")
		counts, units := map[uint64]int{}, map[uint64]int{}
		for _, r := range stored {
			if r.key < l0 && r.row < c {
				counts[r.unitRow.key]++
				if r.row == 0 {
					units[r.unitRow.key]++
				}
			}
		}
		for key, n := range counts {
			if len(counts) > l0 || n > c || units[key] != 1 {
				rt.Fatalf("L0 = %d, c = %d: %v rows by key, the unit counts %v times", l0, c, counts, units)
			}
		}
	})
}

// A class or unit that has as many rows as ranks tell gets no further rank.
func TestRanksThatStoppedStayStopped(t *testing.T) {
	e := earlier{known: make([]classes, 1)}
	e.rows, e.count = plan.MaxRank+1, plan.MaxRank+1
	if got := saturated(e.first()); got != plan.MaxRank {
		t.Errorf("the next unit rank is %d", got)
	}
	last := rankedRow{unitRow{key: 7}, plan.MaxRank, plan.MaxRank, plan.MaxRank}
	_, key, row := rankRows([]unitRow{{key: 7}, {hash: 1, key: 8}}, last)
	if key[0] != plan.MaxRank || row[0] != plan.MaxRank {
		t.Errorf("of a known key: %d, %d", key[0], row[0])
	}
	if key[1] != plan.MaxRank || row[1] != 0 {
		t.Errorf("of a new key: %d, %d", key[1], row[1])
	}
}

// Units are many: to rank one takes no memory that ranking the last did not.
func TestRankingAUnitAllocatesNothing(t *testing.T) {
	r := ranks{key: make([][]uint16, 1), row: make([][]uint16, 1)}
	e := earlier{known: make([]classes, 1)}
	hashes, keys := []uint64{3, 1, 2}, [][]uint64{{7, 9, 7}}
	tied := func(i, j int32) int { return cmp.Compare(i, j) }
	allocated := testing.AllocsPerRun(100, func() {
		for i := range uint64(20) {
			e.known[0].add(i%8, uint16(i%8), uint16(i/8))
		}
		r.sort(hashes, tied)
		r.rank(len(hashes), keys, e.known)
		e.forget()
	})
	if allocated != 0 {
		t.Errorf("%g times", allocated)
	}
}

// rankRows ranks a unit's rows by one grouping, behind earlier ones.
func rankRows(rows []unitRow, stored ...rankedRow) (order []int32, key, row []uint16) {
	r := ranks{key: make([][]uint16, 1), row: make([][]uint16, 1)}
	var hashes, keys []uint64
	for _, x := range rows {
		hashes, keys = append(hashes, x.hash), append(keys, x.key)
	}
	known := make([]classes, 1)
	for _, s := range stored {
		known[0].add(s.unitRow.key, saturated(s.key), saturated(s.row))
	}
	r.sort(hashes, func(i, j int32) int { return cmp.Compare(rows[i].value, rows[j].value) })
	r.rank(len(rows), [][]uint64{keys}, known)
	return r.order, r.key[0], r.row[0]
}
