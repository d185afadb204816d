package bounding

import (
	"math"
	"slices"
)

// take takes consecutive rows of a batch, the first of which may be the open
// unit's. The last one's unit stays open. A secret plan's keys are translated from
// the stream's numbers to groups; translate is nil otherwise.
func (u *units) take(b *Batch, from, to int, translate []int32) {
	u.openColumns(b)
	u.room(to - from)
	units := b.Units[from:to]
	if !u.open {
		u.id, u.rows, u.open = units[0], 0, true
	}
	var keys []int32
	if b.Keys != nil {
		keys = b.Keys[from:to]
	}
	if keys == nil || translate != nil || u.rows+int64(len(units)) > u.maxRows {
		keys = u.considered(units, keys, translate)
	}
	u.place(units, keys)
	for _, c := range u.opened {
		u.tally(c.values[from:to], c.place)
	}
	for _, g := range u.gathers {
		for i, slot := range u.places {
			if slot >= 0 {
				g.take(b, from+i, slot)
			}
		}
	}
}

// openColumns finds the columns of a batch.
func (u *units) openColumns(b *Batch) {
	u.opened = u.opened[:0]
	for d, values := range b.Values {
		if values == nil {
			continue
		}
		if u.columns[d] < 0 {
			u.columns[d] = u.stride
			u.widen()
		}
		u.opened = append(u.opened, column{values, u.columns[d]})
	}
}

// widen adds a cell to each slot.
func (u *units) widen() {
	old, slots := u.cells, len(u.touched)
	u.cells = make([]tallied, slots*(u.stride+1))
	for slot := range slots {
		copy(u.cells[slot*(u.stride+1):], old[slot*u.stride:][:u.stride])
	}
	u.stride++
}

// room makes room for more rows, each of which may end a unit and touch a group,
// and for one of each that does not count.
func (u *units) room(rows int) {
	u.places = slices.Grow(u.places[:0], rows)[:rows]
	u.ended = slices.Grow(u.ended, rows+1)
	u.touched = slices.Grow(u.touched, rows+1)
	if more := (len(u.touched)+rows)*u.stride - len(u.cells); more > 0 {
		u.cells = append(u.cells, make([]tallied, more)...)
	}
	if int64(u.base)+int64(len(u.touched)+rows) >= math.MaxInt32 { // once in 2^31 slots
		clear(u.homes)
		u.base = 1
		for slot := u.start(); slot < len(u.touched); slot++ {
			u.homes[u.touched[slot].group] = u.base + int32(slot)
		}
	}
}

// start is the open unit's first slot.
func (u *units) start() int {
	if n := len(u.ended); n > 0 {
		return int(u.ended[n-1].end)
	}
	return 0
}

// considered returns the groups of rows, −1 for those that are not considered.
func (u *units) considered(units []uint64, keys, translate []int32) []int32 {
	u.keys = sized(u.keys, len(units))
	id, rows := u.id, u.rows
	for i, unit := range units {
		if unit != id {
			id, rows = unit, 0
		}
		group := int32(0)
		if keys != nil {
			group = keys[i]
		}
		if group >= 0 && translate != nil {
			group = translate[group]
		}
		if group >= 0 {
			if rows == u.maxRows {
				group = -1
			} else {
				rows++
			}
		}
		u.keys[i] = group
	}
	return u.keys
}

// place finds the slot of each row. What would be a branch that depends on where
// units end, or on which groups they have, is a number that is 0 or 1 instead, for
// no processor could predict it. So each row writes the next unit that ends and the
// next slot, which stand only if they are counted.
func (u *units) place(units []uint64, keys []int32) {
	keys, places := keys[:len(units)], u.places[:len(units)]
	all, touched, homes, base := u.ended[:cap(u.ended)], u.touched[:cap(u.touched)], u.homes, u.base
	id, ends, first, slots := u.id, len(u.ended), int32(u.start()), int32(len(u.touched))
	for i, next := range units {
		all[ends] = ended{id, slots}
		if next != id {
			first = slots
		}
		ends += bit(next != id)
		id = next
		group := keys[i]
		if group < 0 {
			places[i] = -1
			continue
		}
		place := homes[group] - base
		fresh := int32(bit(place < first))
		place ^= (place ^ slots) & -fresh
		touched[slots] = slot{group: group}
		slots += fresh
		touched[place].rows++
		homes[group] = base + place
		places[i] = place
	}
	if id != u.id {
		u.id, u.rows = id, 0
	}
	u.ended, u.touched = all[:ends], touched[:slots]
	for i := len(units) - 1; i >= 0 && units[i] == id; i-- {
		u.rows += int64(bit(places[i] >= 0))
	}
}

// bit is 1 for true.
func bit(b bool) int {
	n := 0
	if b {
		n = 1
	}
	return n
}

// tally adds a column to the cells of the rows' slots.
func (u *units) tally(values []int64, column int) {
	cells, stride, places := u.cells, u.stride, u.places[:len(values)]
	for i, v := range values {
		slot := places[i]
		if slot < 0 {
			continue
		}
		x := &cells[int(slot)*stride+column]
		if v != Absent {
			x.s += v // of leaves and hashes it means nothing, and is not read
		} else {
			x.absent++
		}
	}
}
