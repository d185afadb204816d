package bounding

import (
	"math/bits"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// scaling returns how the norm of the unit's rows over the chosen groups, at
// most c of each, limits what it contributes.
func (u *units) scaling(chosen []int32, limits privacy.Bounds) scaling {
	if !u.counted {
		return scaling{}
	}
	var squares uint64
	for _, slot := range chosen {
		n := uint64(min(int64(u.touched[slot].rows), limits.MaxRowsPerPartition))
		squares += n * n
	}
	return clip(limits.MaxL2, squares)
}

// share returns s·min(n, c)/n, truncated towards zero. |s| < 2^63 and
// c < n, so the high word of |s|·c is below n and the division cannot
// overflow.
func share(s, n, c int64) int64 {
	if n <= c {
		return s
	}
	return divided(s, n, c)
}

func divided(s, n, c int64) int64 {
	magnitude := uint64(s)
	if s < 0 {
		magnitude = -magnitude
	}
	hi, lo := bits.Mul64(magnitude, uint64(c))
	q, _ := bits.Div64(hi, lo, uint64(n))
	if s < 0 {
		return -int64(q)
	}
	return int64(q)
}

// addTo adds the chosen contributions to the totals, indexed by draw, then
// group. Draws that look at each value are not a matter of cells.
func (u *units) addTo(totals [][]int128, chosen []int32, draws []plan.Draw, limits privacy.Bounds) {
	scale, c := u.scaling(chosen, limits), limits.MaxRowsPerPartition
	for d := range draws {
		into, of := totals[d], u.tallies(d)
		switch draws[d].Kind {
		case plan.DrawRows:
			for _, slot := range chosen {
				x := of.cell(slot)
				(*total)(&into[x.group]).add(scale.of(min(x.n, c)))
			}
		case plan.DrawUnits:
			for _, slot := range chosen {
				x := of.cell(slot)
				(*total)(&into[x.group]).add(min(x.n, 1))
			}
		case plan.DrawSum, plan.DrawSquares:
			for _, slot := range chosen {
				x := of.cell(slot)
				(*total)(&into[x.group]).add(scale.of(share(x.s, x.n, c)))
			}
		case plan.DrawDistinct, plan.DrawTree:
		}
	}
}

// total is a sum that is added to in place.
type total int128

func (t *total) add(v int64) {
	lo, carry := bits.Add64(t.Lo, uint64(v), 0)
	t.Lo, t.Hi = lo, t.Hi+v>>63+int64(carry)
}
