package bounding

import (
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func TestClippedContributions(t *testing.T) {
	tests := []struct {
		name   string
		limits privacy.Bounds
		rows   []row
		want   map[int64][3]int64
	}{
		{"a vector within the norm is left alone", privacy.Bounds{MaxPartitions: 2, MaxRowsPerPartition: 9, MaxL2: 5},
			[]row{{1, 0, 2}, {1, 0, 2}, {1, 0, 2}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, map[int64][3]int64{0: {3, 1, 6}, 1: {4, 1, 4}}},
		{"rows and sums of a longer one shrink alike, units do not", privacy.Bounds{MaxPartitions: 2, MaxRowsPerPartition: 9, MaxL2: 4},
			[]row{{1, 0, 2}, {1, 0, 2}, {1, 0, 2}, {1, 1, -1}, {1, 1, -1}, {1, 1, -1}, {1, 1, -1}}, map[int64][3]int64{0: {2, 1, 4}, 1: {3, 1, -3}}},
		{"the norm is of at most c rows of each group", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2, MaxL2: 2},
			[]row{{1, 0, 3}, {1, 0, 3}, {1, 0, 3}, {1, 0, 3}}, map[int64][3]int64{0: {2, 1, 6}}},
		{"rows that no draw counts count for the norm", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 4, MaxL2: 2},
			[]row{{1, 0, Absent}, {1, 0, Absent}, {1, 0, 8}, {1, 0, 8}}, map[int64][3]int64{0: {2, 1, 8}}},
		{"each unit has a norm of its own", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 4, MaxL2: 2},
			[]row{{1, 0, 8}, {1, 0, 8}, {1, 0, 8}, {1, 0, 8}, {2, 0, 1}, {3, 0, 1}}, map[int64][3]int64{0: {4, 3, 18}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := testPlan(tt.limits, false)
			want := map[int64][3]int64{}
			for k := range int64(keys) {
				want[k] = tt.want[k]
			}
			if diff := cmp.Diff(want, bounded(t, p, [16]byte{}, source(p, "a", 2, tt.rows...))); diff != "" {
				t.Errorf("−want +got:\n%s", diff)
			}
		})
	}
}

// A scaled contribution x·C/‖N‖ is never above the real one, whose square is
// x²·C²/‖N‖², and falls short by less than one and a 2^−30th part.
func TestScalingNeverExceedsTheRealValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Int64Range(1, privacy.MaxBound).Draw(t, "C")
		squares := rapid.Uint64Range(0, 1<<48).Draw(t, "squares")
		x := rapid.Int64Range(-1<<61, 1<<61).Draw(t, "x")
		got := clip(c, squares).of(x)
		if squares <= uint64(c)*uint64(c) {
			if got != x {
				t.Fatalf("%d became %d within the norm", x, got)
			}
			return
		}
		square := func(v int64) *big.Int { return new(big.Int).Mul(big.NewInt(v), big.NewInt(v)) }
		of := new(big.Int).SetUint64(squares)
		largest := new(big.Int).Mul(square(x), square(c))
		if got != 0 && (got < 0) != (x < 0) || new(big.Int).Mul(square(got), of).Cmp(largest) > 0 {
			t.Fatalf("%d·%d/√%d became %d", x, c, squares, got)
		}
		next := max(got, -got) + 1
		next += next>>29 + 1 // the part, rounded up
		if new(big.Int).Mul(square(next), of).Cmp(largest) <= 0 {
			t.Fatalf("%d·%d/√%d became %d, which is too small", x, c, squares, got)
		}
	})
}

func TestCeilRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.Uint64Range(1, 1<<31).Draw(t, "root")
		for x, want := range map[uint64]uint64{r * r: r, r*r - 1: r, (r-1)*(r-1) + 1: r} {
			if r == 1 && x == 0 {
				want = 0
			}
			if got := ceilRoot(x); got != want {
				t.Fatalf("ceilRoot(%d) = %d, want %d", x, got, want)
			}
		}
	})
}

// The bound on the norm that clip relies on.
func TestSquaresOfAllRowsFit(t *testing.T) {
	if plan.MaxUnitRows > 1<<24 {
		t.Error("a unit's squared lengths can exceed 2^48")
	}
}
