package pricing

import (
	"math/bits"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// sensitivity returns how far one unit moves a draw, by the limits alone. With
// n_g the rows of the unit that group g considers, the limits promise
// 0 ≤ n_g ≤ c, at most L0 groups with n_g > 0, and Σn_g ≤ m; the vector (n_g)
// then has the norms of privacy.Bounds, call them N1 and N2 without the bound C
// on the norm. Adding or removing the unit moves
//
//   - rows, sums and squares by a vector with entries of at most n_g times the
//     magnitude M of one row: M·N1 and M·N2. Where C bounds the norm, the unit's
//     entries are scaled until their norm is at most C·M, and truncated towards
//     zero, which lengthens no entry: M·min(N2, C);
//   - units by a vector of zeros and ones: the norms for c = 1;
//   - distinct values by d_g with 0 ≤ d_g ≤ n_g: of each group the unit offers
//     at most min(c, n_g) values, chosen without regard to other units, and the
//     size of a union grows by at most what is offered. The norms are N1, N2;
//   - the nodes of a tree by a_{g,l,v} ≥ 0, the unit's considered rows below
//     node v of level l. Each row lies below exactly one node of a level, so
//     Σ_v a_{g,l,v} = n_g, and as the entries are not negative
//     Σ_v a²_{g,l,v} ≤ n_g². Over all groups and h levels the squared norm is at
//     most h·N2² and the sum h·N1. Which c of more rows are considered depends
//     on the unit's own rows alone.
//
// A bound on the norm does not touch units, distinct values and trees.
func sensitivity(d plan.Draw, limits privacy.Bounds) (mechanism.Sensitivity, error) {
	moved, levels := limits.MaxPartitions, int64(1)
	switch d.Kind {
	case plan.DrawUnits:
		limits = limits.Units()
	case plan.DrawDistinct:
		limits.MaxL2 = 0
	case plan.DrawTree:
		limits.MaxL2 = 0
		levels = int64(d.Tree.Levels)
		moved = movedNodes(d.Tree, limits)
	case plan.DrawRows, plan.DrawSum, plan.DrawSquares:
	}
	m, most := d.Magnitude(), limits.MaxRowsPerPartition
	if limits.MaxL2 > 0 {
		most = min(most, limits.MaxL2)
	}
	hi, lo := bits.Mul64(uint64(most), uint64(m))
	if hi != 0 || lo > uint64(privacy.MaxRelease) {
		return mechanism.Sensitivity{}, privacy.Errorf(privacy.CodePrivacyParameters,
			"the contribution of one privacy unit is too large: lower max_rows_per_partition or narrow the bounds")
	}
	return mechanism.Sensitivity{
		L0:   moved,
		L1:   limits.L1Rows() * float64(m) * float64(levels),
		L2:   limits.L2Rows() * float64(m) * sqrt(levels),
		LInf: int64(lo),
	}, nil
}

// movedNodes returns how many nodes one unit moves: on each level of each of
// its groups at most one per row and no more than there are, and in all at most
// one per row and level.
func movedNodes(t plan.Tree, limits privacy.Bounds) int64 {
	perGroup := int64(0)
	for level := 1; level <= t.Levels; level++ {
		perGroup += min(limits.MaxRowsPerPartition, int64(t.LevelWidth(level)))
	}
	moved := limits.MaxPartitions * perGroup // at most 2^31 · 2^13
	if limits.MaxRows > 0 {
		moved = min(moved, limits.MaxRows*int64(t.Levels))
	}
	return moved
}
