package bounding

import (
	"cmp"
	"math"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

func drawBounds(t *rapid.T) privacy.Bounds {
	return privacy.Bounds{
		MaxPartitions:       rapid.Int64Range(1, 4).Draw(t, "L0"),
		MaxRowsPerPartition: rapid.Int64Range(1, 4).Draw(t, "c"),
		MaxRows:             rapid.Int64Range(0, 6).Draw(t, "m"),
	}
}

// drawRows draws rows of a few units, ordered by unit.
func drawRows(t *rapid.T, label string) []row {
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		return row{
			unit:  rapid.Uint64Range(0, 4).Draw(t, "unit") * (math.MaxUint64 / 4),
			key:   rapid.Int64Range(0, keys+1).Draw(t, "key"),
			value: rapid.SampledFrom([]int64{-magnitude, -3, 0, 1, magnitude, Absent}).Draw(t, "value"),
		}
	}), 0, 30).Draw(t, label)
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.unit, b.unit) })
	return rows
}

// Removing a unit moves every draw within the sensitivity that is declared for
// it, whatever the data: at most L0 entries, each at most c·M, and with max_rows
// at most m·M together.
func TestRemovingAUnitShiftsWithinTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := testPlan(drawBounds(t), rapid.Bool().Draw(t, "secret"))
		with := [][]row{drawRows(t, "a"), drawRows(t, "b"), drawRows(t, "c")}
		gone := rapid.Uint64Range(0, 4).Draw(t, "gone") * (math.MaxUint64 / 4)
		var d1, d2 []Source
		for i, rows := range with {
			without := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.unit == gone })
			tenant := string(rune('x' + i%2))
			d1, d2 = append(d1, source(p, tenant, 3, rows...)), append(d2, source(p, tenant, 3, without...))
		}
		salt := [16]byte{rapid.Byte().Draw(t, "salt")}
		a, b := bounded(t, p, salt, d1...), bounded(t, p, salt, d2...)
		for draw, scale := range []float64{1, 1, magnitude} {
			limits := p.Limits
			if draw == 1 {
				limits = limits.Units()
			}
			var entries, l1, l2, largest float64
			for key := range int64(keys + 2) {
				if shift := math.Abs(float64(a[key][draw] - b[key][draw])); shift > 0 {
					entries, l1, l2, largest = entries+1, l1+shift, l2+shift*shift, max(largest, shift)
				}
			}
			if entries > float64(limits.MaxPartitions) || largest > scale*float64(limits.MaxRowsPerPartition) ||
				l1 > scale*limits.L1Rows() || math.Sqrt(l2) > scale*limits.L2Rows()*(1+1e-12) {
				t.Fatalf("draw %d: %g entries, largest %g, L1 %g, L2 %g under %+v", draw, entries, largest, l1, math.Sqrt(l2), limits)
			}
		}
	})
}

// How rows are spread over segments and batches changes nothing, nor does the
// order of rows within a unit unless max_rows says so.
func TestSegmentsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := testPlan(drawBounds(t), rapid.Bool().Draw(t, "secret"))
		p.Limits.MaxRows = 0
		rows := drawRows(t, "rows")
		salt := [16]byte{rapid.Byte().Draw(t, "salt")}
		want := bounded(t, p, salt, source(p, "x", 100, rows...))

		shuffled := rapid.Permutation(rows).Draw(t, "shuffled")
		parts := make([][]row, rapid.IntRange(1, 4).Draw(t, "segments"))
		for i, r := range shuffled {
			parts[i%len(parts)] = append(parts[i%len(parts)], r)
		}
		var sources []Source
		for i, part := range parts {
			slices.SortStableFunc(part, func(a, b row) int { return cmp.Compare(a.unit, b.unit) })
			sources = append(sources, source(p, string(rune('a'+i)), rapid.IntRange(1, 5).Draw(t, "size"), part...))
		}
		if d := diff.Diff(want, bounded(t, p, salt, sources...)); d != "" {
			t.Fatalf("−one segment +several:\n%s", d)
		}
	})
}
