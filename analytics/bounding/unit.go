package bounding

import (
	"math/bits"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// cell is what one unit has in one group for one draw.
type cell struct{ n, s int64 }

// unit gathers the rows of one unit at a time. A group is present iff its home has
// the unit's stamp, so that forgetting a unit costs nothing, and the cells of a
// unit lie together whatever the number of groups.
//
// Draws that count every row have no cells: their n is that of the slot.
type unit struct {
	id      uint64
	rows    int64 // considered so far
	maxRows int64
	counted bool        // limits.MaxL2 asks for the norm of the rows
	gathers []*gatherer // draws that look at each value
	stamp   uint32      // no earlier unit's, as far as homes remember
	homes   []home      // by group
	touched []slot      // in order of appearance
	columns []int       // by draw: of its cells; −1 while it counted every row
	stride  int         // cells per slot
	cells   []tallied   // slot·stride + column

	choosing
}

// home is where the unit with the given stamp has a group.
type home struct {
	stamp uint32
	slot  int32
}

// slot is a group that the unit touches.
type slot struct{ group, rows int32 } // considered rows, at most plan.MaxUnitRows

// tallied is what a draw that looks at its rows has in a slot.
type tallied struct{ absent, s int64 }

// column is what a batch holds for a draw that does not count every row.
type column struct {
	values []int64
	place  int
}

func newUnit(draws int, limits privacy.Bounds) unit {
	u := unit{maxRows: plan.MaxUnitRows, counted: limits.MaxL2 > 0, columns: make([]int, draws)}
	if m := limits.MaxRows; m > 0 {
		u.maxRows = min(m, plan.MaxUnitRows)
	}
	for d := range u.columns {
		u.columns[d] = -1
	}
	return u
}

func (u *unit) reset(id uint64) {
	u.id, u.rows = id, 0
	if u.stamp++; u.stamp == 0 { // after 2^32 units
		clear(u.homes)
		u.stamp = 1
	}
	u.touched, u.cells = u.touched[:0], u.cells[:0]
	for _, g := range u.gathers {
		g.reset()
	}
}

// cell returns what the unit has in a slot for a draw.
func (u *unit) cell(slot int32, draw int) cell {
	at, rows := u.columns[draw], int64(u.touched[slot].rows)
	if at < 0 {
		return cell{n: rows}
	}
	x := &u.cells[int(slot)*u.stride+at]
	return cell{n: rows - x.absent, s: x.s}
}

// grow makes room for groups that were learned.
func (u *unit) grow(groups int) {
	if more := groups - len(u.homes); more > 0 {
		u.homes = append(u.homes, make([]home, more)...)
	}
}

// open returns the columns of a batch whose rows are to be added.
func (u *unit) open(b *Batch, out []column) []column {
	for d, values := range b.Values {
		if values == nil {
			continue
		}
		if u.columns[d] < 0 {
			u.columns[d] = u.stride
			u.widen()
		}
		out = append(out, column{values, u.columns[d]})
	}
	return out
}

// widen adds a cell to each slot.
func (u *unit) widen() {
	old := u.cells
	u.cells = make([]tallied, len(u.touched)*(u.stride+1))
	for slot := range u.touched {
		copy(u.cells[slot*(u.stride+1):], old[slot*u.stride:][:u.stride])
	}
	u.stride++
}

// add takes the rows of the unit from a batch, which start at the given one, and
// returns the first row that is not the unit's. A secret plan's keys are
// translated from the stream's numbers to groups; translate is nil otherwise.
func (u *unit) add(b *Batch, columns []column, from int, translate []int32) int {
	id, units, keys, homes, rows, i := u.id, b.Units, b.Keys, u.homes, u.rows, from
	for ; i < len(units) && units[i] == id; i++ {
		group := int32(0)
		if keys != nil {
			if group = keys[i]; group < 0 {
				continue
			}
			if translate != nil {
				group = translate[group]
			}
		}
		if rows == u.maxRows {
			continue
		}
		rows++
		home := homes[group]
		if home.stamp != u.stamp {
			home.slot = u.touch(group)
		}
		u.touched[home.slot].rows++
		for _, c := range columns {
			x := &u.cells[int(home.slot)*u.stride+c.place]
			if v := c.values[i]; v != Absent {
				x.s += v // of leaves and hashes it means nothing, and is not read
			} else {
				x.absent++
			}
		}
		for _, g := range u.gathers {
			g.take(b, i, home.slot)
		}
	}
	u.rows = rows
	return i
}

// touch adds a group and returns its slot.
func (u *unit) touch(group int32) int32 {
	place := int32(len(u.touched))
	u.homes[group] = home{u.stamp, place}
	u.touched = append(u.touched, slot{group: group})
	for range u.stride {
		u.cells = append(u.cells, tallied{})
	}
	return place
}

// scaling returns how the norm of the unit's rows over the chosen groups, at
// most c of each, limits what it contributes.
func (u *unit) scaling(chosen []int32, limits privacy.Bounds) scaling {
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
func (u *unit) addTo(totals [][]int128, chosen []int32, draws []plan.Draw, limits privacy.Bounds) {
	scale, c := u.scaling(chosen, limits), limits.MaxRowsPerPartition
	for d := range draws {
		into := totals[d]
		switch draws[d].Kind {
		case plan.DrawRows:
			for _, slot := range chosen {
				u.total(into, slot).add(scale.of(min(u.cell(slot, d).n, c)))
			}
		case plan.DrawUnits:
			for _, slot := range chosen {
				u.total(into, slot).add(min(u.cell(slot, d).n, 1))
			}
		case plan.DrawSum, plan.DrawSquares:
			for _, slot := range chosen {
				x := u.cell(slot, d)
				u.total(into, slot).add(scale.of(share(x.s, x.n, c)))
			}
		case plan.DrawDistinct, plan.DrawTree:
		}
	}
}

// total is the total of a slot's group.
func (u *unit) total(of []int128, slot int32) *total {
	return (*total)(&of[u.touched[slot].group])
}

// total is a sum that is added to in place.
type total int128

func (t *total) add(v int64) {
	lo, carry := bits.Add64(t.Lo, uint64(v), 0)
	t.Lo, t.Hi = lo, t.Hi+v>>63+int64(carry)
}
