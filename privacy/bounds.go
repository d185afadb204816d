package privacy

import (
	"math"
	"math/bits"
)

func sqrt(x float64) float64 { return math.Sqrt(x) }

// Bounds limits what one privacy unit contributes to a query.
type Bounds struct {
	MaxPartitions       int64 `json:"max_partitions"`         // L0 ≥ 1: groups that a unit touches
	MaxRowsPerPartition int64 `json:"max_rows_per_partition"` // c ≥ 1: rows of a unit in one group
	MaxRows             int64 `json:"max_rows,omitempty"`     // m: rows of a unit in all; 0 when not bounded beyond L0·c
	MaxL2               int64 `json:"max_l2,omitempty"`       // C: L2 norm of a unit's rows over its groups; 0 when not bounded beyond c·√L0
}

// MaxBound is the largest value of a single bound.
const MaxBound = 1 << 31

// Check refuses bounds that are not positive, too large, or whose product
// L0·c does not fit 63 bits.
func (b Bounds) Check() error {
	if b.MaxPartitions < 1 || b.MaxRowsPerPartition < 1 || b.MaxRows < 0 || b.MaxL2 < 0 ||
		b.MaxPartitions > MaxBound || b.MaxRowsPerPartition > MaxBound || b.MaxRows > MaxBound || b.MaxL2 > MaxBound {
		return Errorf(CodePrivacyParameters, "contribution bounds must be between 1 and %d", int64(MaxBound))
	}
	if hi, lo := bits.Mul64(uint64(b.MaxPartitions), uint64(b.MaxRowsPerPartition)); hi != 0 || lo > math.MaxInt64 {
		return Errorf(CodePrivacyParameters, "max_partitions times max_rows_per_partition is too large")
	}
	return nil
}

// L2Rows returns the L2 sensitivity of the vector of row counts per partition
// when one unit's rows are added or removed:
//
//	min(c·√L0, √(m·c), m, C)
//
// for at most L0 partitions of at most c rows, m rows in all and a norm of at
// most C. The vector v has 0 ≤ v_i ≤ c, at most L0 non-zero entries and
// Σv_i ≤ m, so ‖v‖² ≤ L0·c², ‖v‖² ≤ c·Σv_i ≤ c·m and ‖v‖ ≤ Σv_i ≤ m.
func (b Bounds) L2Rows() float64 {
	c := float64(b.MaxRowsPerPartition)
	l2 := c * sqrt(float64(b.MaxPartitions))
	if b.MaxRows > 0 {
		m := float64(b.MaxRows)
		l2 = min(l2, sqrt(m*c), m)
	}
	if b.MaxL2 > 0 {
		l2 = min(l2, float64(b.MaxL2))
	}
	return l2
}

// L1Rows returns the L1 sensitivity of the same vector: min(c·L0, m, C·√L0), the
// last by Cauchy and Schwarz.
func (b Bounds) L1Rows() float64 {
	l1 := float64(b.MaxRowsPerPartition) * float64(b.MaxPartitions)
	if b.MaxRows > 0 {
		l1 = min(l1, float64(b.MaxRows))
	}
	if b.MaxL2 > 0 {
		l1 = min(l1, float64(b.MaxL2)*sqrt(float64(b.MaxPartitions)))
	}
	return l1
}

// Units returns the bounds of a count of units: one per partition, which no
// bound on the norm scales.
func (b Bounds) Units() Bounds {
	u := b
	u.MaxRowsPerPartition, u.MaxL2 = 1, 0
	return u
}
