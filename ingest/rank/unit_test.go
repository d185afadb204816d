package rank

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// unitRow is a row with hashes that collide often.
type unitRow struct{ hash, key, value uint64 }

// TestRanksAreAsDefined compares with the definition, written down naively.
func TestRanksAreAsDefined(t *testing.T) {
	small := rapid.Uint64Range(0, 4)
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) unitRow {
			return unitRow{small.Draw(rt, "hash"), small.Draw(rt, "key"), small.Draw(rt, "value")}
		}), 1, 60).Draw(rt, "rows")
		order, key, row := rankRows(rows)
		if !slices.Equal(slices.Sorted(slices.Values(order)), indices(len(rows))) {
			rt.Fatal("rows were lost")
		}
		before := func(a, b unitRow) bool { return a.hash < b.hash || a.hash == b.hash && a.value < b.value }
		for place := range order {
			r := rows[order[place]]
			if place > 0 && before(r, rows[order[place-1]]) {
				rt.Fatalf("row %d is out of order", place)
			}
			smaller, within := map[uint64]bool{}, 0
			for other := range order {
				o := rows[order[other]]
				if o.key < r.key {
					smaller[o.key] = true
				}
				if o.key == r.key && other < place {
					within++
				}
			}
			if int(key[place]) != len(smaller) || int(row[place]) != within {
				rt.Fatalf("row %d has key rank %d and row rank %d, want %d and %d", place, key[place], row[place], len(smaller), within)
			}
		}
	})
}

// TestTheBoundHoldsThoughHashesCollide is the argument of the package comment:
// whatever the hashes, what a filter keeps of a unit is within the norms that
// noise is scaled to.
func TestTheBoundHoldsThoughHashesCollide(t *testing.T) {
	small := rapid.Uint64Range(0, 3)
	rapid.Check(t, func(rt *rapid.T) {
		// The value is the true key here: several keys share a hash.
		rows := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) unitRow {
			value := rapid.Uint64Range(0, 12).Draw(rt, "value")
			return unitRow{small.Draw(rt, "hash"), value % 3, value}
		}), 1, 60).Draw(rt, "rows")
		l0, c := rapid.IntRange(1, 4).Draw(rt, "l0"), rapid.IntRange(1, 4).Draw(rt, "c")
		order, key, row := rankRows(rows)
		counts, units := map[uint64]int{}, 0
		for place, i := range order {
			if int(key[place]) < l0 && int(row[place]) < c {
				counts[rows[i].value]++
				if row[place] == 0 {
					units++
				}
			}
		}
		l1, squares := 0, 0
		for _, n := range counts {
			l1, squares = l1+n, squares+n*n
		}
		if units > l0 || l1 > l0*c || squares > l0*c*c {
			rt.Fatalf("L0 = %d, c = %d: %d keys count the unit, L1 %d, L2² %d", l0, c, units, l1, squares)
		}
	})
}

func TestRanksStopAtTheLargest(t *testing.T) {
	rows := make([]unitRow, plan.MaxRank+5)
	for i := range rows {
		rows[i] = unitRow{hash: uint64(i), key: uint64(i)}
	}
	_, key, _ := rankRows(rows)
	if last := key[len(key)-1]; last != plan.MaxRank || key[plan.MaxRank-1] != plan.MaxRank-1 {
		t.Errorf("the last rank is %d, the one before the largest %d", last, key[plan.MaxRank-1])
	}
	for i := range rows {
		rows[i].key = 0
	}
	if _, _, row := rankRows(rows); row[len(row)-1] != plan.MaxRank {
		t.Errorf("the last rank within a key is %d", row[len(row)-1])
	}
}

func indices(n int) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	return all
}
