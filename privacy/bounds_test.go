package privacy

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// shifts calls visit with every vector of row counts that one unit can have
// under the bounds, up to order and padding with zeros: the L0 largest entries,
// descending.
func shifts(b Bounds, visit func([]int64)) {
	rows := b.MaxRows
	if rows == 0 {
		rows = b.MaxPartitions * b.MaxRowsPerPartition
	}
	var walk func(v []int64, most, rest int64)
	walk = func(v []int64, most, rest int64) {
		visit(v)
		if int64(len(v)) == b.MaxPartitions {
			return
		}
		for n := int64(1); n <= min(most, rest); n++ {
			walk(append(v[:len(v):len(v)], n), n, rest-n)
		}
	}
	walk(nil, b.MaxRowsPerPartition, rows)
}

// TestRowSensitivities compares L1Rows and L2Rows with every vector that the
// bounds allow: none is longer, and L1 is attained.
func TestRowSensitivities(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := Bounds{
			MaxPartitions:       rapid.Int64Range(1, 5).Draw(r, "L0"),
			MaxRowsPerPartition: rapid.Int64Range(1, 5).Draw(r, "c"),
			MaxRows:             rapid.Int64Range(0, 30).Draw(r, "m"),
		}
		var l1, square float64
		shifts(b, func(v []int64) {
			var sum, squares int64
			for _, n := range v {
				sum += n
				squares += n * n
			}
			l1, square = max(l1, float64(sum)), max(square, float64(squares))
		})
		if got := b.L2Rows(); got*got < square-1e-9 {
			r.Errorf("%+v: L2Rows = %g, a unit shifts by %g", b, got, math.Sqrt(square))
		}
		if got := b.L1Rows(); got != l1 {
			r.Errorf("%+v: L1Rows = %g, the largest shift is %g", b, got, l1)
		}
	})
}

// TestL2RowsIsAttained names, for each of the three terms, bounds under which a
// vector of that length exists.
func TestL2RowsIsAttained(t *testing.T) {
	tests := []struct {
		name   string
		bounds Bounds
		want   float64
	}{
		{"c√L0, no m", Bounds{MaxPartitions: 14, MaxRowsPerPartition: 12}, 12 * math.Sqrt(14)},
		{"c√L0, m does not bind", Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3, MaxRows: 12}, 6},
		{"√(mc): two full partitions", Bounds{MaxPartitions: 9, MaxRowsPerPartition: 5, MaxRows: 10}, math.Sqrt(50)},
		{"m: all rows in one partition", Bounds{MaxPartitions: 9, MaxRowsPerPartition: 9, MaxRows: 4}, 4},
		{"one row", Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: 1}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.bounds.L2Rows(); math.Abs(got-tt.want) > 1e-12 {
				t.Errorf("L2Rows = %g, want %g", got, tt.want)
			}
		})
	}
}

// TestUnits: a unit counts once per partition, in no more partitions than it has
// rows.
func TestUnits(t *testing.T) {
	u := Bounds{MaxPartitions: 14, MaxRowsPerPartition: 12, MaxRows: 9}.Units()
	if u != (Bounds{MaxPartitions: 14, MaxRowsPerPartition: 1, MaxRows: 9}) || u.L2Rows() != 3 || u.L1Rows() != 9 {
		t.Errorf("%+v with L1 = %g, L2 = %g", u, u.L1Rows(), u.L2Rows())
	}
}

func TestBoundsCheck(t *testing.T) {
	tests := []struct {
		bounds Bounds
		ok     bool
	}{
		{Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}, true},
		{Bounds{MaxPartitions: MaxBound, MaxRowsPerPartition: MaxBound, MaxRows: MaxBound}, true}, // 2^62
		{Bounds{}, false},
		{Bounds{MaxPartitions: 0, MaxRowsPerPartition: 1}, false},
		{Bounds{MaxPartitions: 1, MaxRowsPerPartition: 0}, false},
		{Bounds{MaxPartitions: -1, MaxRowsPerPartition: 1}, false},
		{Bounds{MaxPartitions: 1, MaxRowsPerPartition: -1}, false},
		{Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: -1}, false},
		{Bounds{MaxPartitions: MaxBound + 1, MaxRowsPerPartition: 1}, false},
		{Bounds{MaxPartitions: 1, MaxRowsPerPartition: MaxBound + 1}, false},
		{Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: MaxBound + 1}, false},
		{Bounds{MaxPartitions: math.MaxInt64, MaxRowsPerPartition: math.MaxInt64}, false},
	}
	for _, tt := range tests {
		err := tt.bounds.Check()
		if (err == nil) != tt.ok || !tt.ok && CodeOf(err) != CodePrivacyParameters {
			t.Errorf("%+v: %v", tt.bounds, err)
		}
	}
}
