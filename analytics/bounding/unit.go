package bounding

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// units gathers the rows of one unit after another. Those that have ended wait for
// others, so that what is done per unit is done for many of them in a row. Slots are
// numbered on, from unit to unit, and a group is the open unit's iff its home is
// none of an earlier unit's, so that forgetting a unit costs nothing, and the cells
// of a unit lie together whatever the number of groups.
//
// Draws that count every row have no cells: their n is that of the slot.
type units struct {
	id      uint64 // of the open unit
	open    bool   // there is one
	rows    int64  // considered of it so far
	maxRows int64
	counted bool        // limits.MaxL2 asks for the norm of the rows
	gathers []*gatherer // draws that look at each value
	homes   []int32     // by group: base + its last slot; 0: none yet
	base    int32       // ≥ 1: what homes are above slots
	ended   []ended     // in order
	touched []slot      // in order of appearance: those of ended units, then of the open one
	columns []int       // by draw: of its cells; −1 while it counted every row
	stride  int         // cells per slot
	cells   []tallied   // slot·stride + column; zero behind those of slots
	opened  []column    // of the batch that is being taken
	keys    []int32     // by row of it: its group, or −1 if it is not considered
	places  []int32     // by row of it: its slot, or −1

	choosing
}

// ended is a unit of which no more rows come. Its slots are those from where those
// of the one before end.
type ended struct {
	id  uint64
	end int32
}

// slot is a group that a unit touches.
type slot struct{ group, rows int32 } // considered rows, at most plan.MaxUnitRows

// tallied is what a draw that looks at its rows has in a slot.
type tallied struct{ absent, s int64 }

// column is what a batch holds for a draw that does not count every row.
type column struct {
	values []int64
	place  int
}

func newUnits(draws int, limits privacy.Bounds) units {
	u := units{base: 1, maxRows: plan.MaxUnitRows, counted: limits.MaxL2 > 0, columns: make([]int, draws)}
	if m := limits.MaxRows; m > 0 {
		u.maxRows = min(m, plan.MaxUnitRows)
	}
	for d := range u.columns {
		u.columns[d] = -1
	}
	return u
}

// sized returns a slice of n elements, with the old array if that is long enough.
func sized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// grow makes room for groups that were learned.
func (u *units) grow(groups int) {
	if more := groups - len(u.homes); more > 0 {
		u.homes = append(u.homes, make([]int32, more)...)
	}
}

// end ends the open unit.
func (u *units) end() {
	if u.open {
		u.ended, u.open = append(u.ended, ended{u.id, int32(len(u.touched))}), false
	}
}

// forget forgets the units that have ended. The open one's slots become the first.
func (u *units) forget() {
	start := u.start()
	left := copy(u.touched, u.touched[start:])
	copy(u.cells, u.cells[start*u.stride:len(u.touched)*u.stride])
	clear(u.cells[left*u.stride : len(u.touched)*u.stride])
	u.touched, u.ended = u.touched[:left], u.ended[:0]
	u.base += int32(start)
	for _, g := range u.gathers {
		g.reset()
	}
}

// tallies are what units have in their slots for one draw.
type tallies struct {
	touched []slot
	cells   []tallied // from the draw's column on
	stride  int       // 0: the draw counts every row
}

// cell is what one unit has in one group for one draw.
type cell struct {
	n, s  int64
	group int32
}

func (u *units) tallies(draw int) tallies {
	if at := u.columns[draw]; at >= 0 && len(u.cells) > 0 {
		return tallies{u.touched, u.cells[at:], u.stride}
	}
	return tallies{touched: u.touched}
}

func (t *tallies) cell(slot int32) cell {
	s := t.touched[slot]
	if t.stride == 0 {
		return cell{n: int64(s.rows), group: s.group}
	}
	x := &t.cells[int(slot)*t.stride]
	return cell{int64(s.rows) - x.absent, x.s, s.group}
}
