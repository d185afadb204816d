package bounding

import (
	"encoding/binary"
	"math/bits"

	"github.com/dchest/siphash"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// cell is what one unit has in one group for one draw.
type cell struct{ n, s int64 }

// unit gathers the rows of one unit at a time. Its groups form a sparse set: a
// group g is present iff touched[slotOf[g]] == g, so that forgetting a unit
// costs nothing, and the cells of a unit lie together whatever the number of
// groups.
type unit struct {
	id      uint64
	rows    int64 // considered so far
	maxRows int64
	draws   int         // cells per slot: one per draw, and one more if counted
	counted bool        // the last cell of a slot counts all of its rows
	gathers []*gatherer // draws that look at each value
	slotOf  []int32     // by group
	touched []int32     // groups, in order of appearance
	cells   []cell      // slot·draws + draw

	chosen smallest[choice] // scratch of choose
	kept   []bool           // by slot; scratch of keep
	buf    []byte           // scratch of choose
}

// choice is a slot with the hash that ranks it.
type choice struct {
	hash uint64
	slot int32
}

func (u *unit) reset(id uint64) {
	u.id, u.rows = id, 0
	u.touched, u.cells = u.touched[:0], u.cells[:0]
	for _, g := range u.gathers {
		g.reset()
	}
}

// cell returns what the unit has in a slot for a draw.
func (u *unit) cell(slot int32, draw int) cell { return u.cells[int(slot)*u.draws+draw] }

// grow makes room for groups that were learned.
func (u *unit) grow(groups int) {
	if more := groups - len(u.slotOf); more > 0 {
		u.slotOf = append(u.slotOf, make([]int32, more)...)
	}
}

// add takes rows from to to−1 of a batch. A secret plan's keys are translated
// from the stream's numbers to groups; translate is nil otherwise.
func (u *unit) add(b *Batch, from, to int, translate []int32) {
	for i := from; i < to; i++ {
		group := int32(0)
		if b.Keys != nil {
			if group = b.Keys[i]; group < 0 {
				continue
			}
			if translate != nil {
				group = translate[group]
			}
		}
		if u.rows == u.maxRows {
			return
		}
		u.rows++
		slot := u.slotOf[group]
		if int(slot) >= len(u.touched) || u.touched[slot] != group {
			slot = u.touch(group)
		}
		cells := u.cells[int(slot)*u.draws:][:u.draws]
		for d, values := range b.Values {
			if values == nil {
				cells[d].n++
			} else if v := values[i]; v != Absent {
				cells[d].n++
				cells[d].s += v // of leaves and hashes it means nothing, and is not read
			}
		}
		if u.counted {
			cells[len(cells)-1].n++
		}
		for _, g := range u.gathers {
			g.take(b, i, slot)
		}
	}
}

func (u *unit) touch(group int32) int32 {
	slot := int32(len(u.touched))
	u.slotOf[group] = slot
	u.touched = append(u.touched, group)
	u.cells = append(u.cells, make([]cell, u.draws)...)
	return slot
}

// choose returns the slots of at most limit groups: all of them if they are
// few enough, else those with the smallest hashes.
func (u *unit) choose(limit int64, k0, k1 uint64, g *groups) []choice {
	u.chosen.reset(int(min(limit, int64(len(u.touched)))))
	if int64(len(u.touched)) <= limit {
		for slot := range u.touched {
			u.chosen.kept = append(u.chosen.kept, choice{slot: int32(slot)})
		}
		return u.chosen.kept
	}
	for slot, group := range u.touched {
		u.buf = binary.LittleEndian.AppendUint64(u.buf[:0], u.id)
		u.buf = append(u.buf, g.text(group)...)
		u.chosen.offer(choice{siphash.Hash(k0, k1, u.buf), int32(slot)})
	}
	return u.chosen.kept
}

// larger orders choices by hash, and equal hashes by the key's text.
func (u *unit) larger(g *groups) func(a, b choice) bool {
	return func(a, b choice) bool {
		if a.hash != b.hash {
			return a.hash > b.hash
		}
		return g.text(u.touched[a.slot]) > g.text(u.touched[b.slot])
	}
}

// keep marks the chosen slots.
func (u *unit) keep(chosen []choice) []bool {
	if n := len(u.touched); n > cap(u.kept) {
		u.kept = make([]bool, n, 2*n)
	}
	u.kept = u.kept[:len(u.touched)]
	clear(u.kept)
	for _, ch := range chosen {
		u.kept[ch.slot] = true
	}
	return u.kept
}

// scaling returns how the norm of the unit's rows over the chosen groups, at
// most c of each, limits what it contributes.
func (u *unit) scaling(chosen []choice, limits privacy.Bounds) scaling {
	if !u.counted {
		return scaling{}
	}
	var squares uint64
	for _, ch := range chosen {
		n := uint64(min(u.cell(ch.slot, u.draws-1).n, limits.MaxRowsPerPartition))
		squares += n * n
	}
	return clip(limits.MaxL2, squares)
}

// contribution is what a unit adds to a group's draw, given its cell. Draws
// that look at each value are not a matter of cells.
func contribution(kind plan.DrawKind, x cell, c int64, scale scaling) int64 {
	switch kind {
	case plan.DrawRows:
		return scale.of(min(x.n, c))
	case plan.DrawUnits:
		return min(x.n, 1)
	case plan.DrawSum, plan.DrawSquares:
		return scale.of(share(x.s, x.n, c))
	case plan.DrawDistinct, plan.DrawTree:
	}
	return 0
}

// share returns s·min(n, c)/n, truncated towards zero. |s| < 2^63 and
// c < n, so the high word of |s|·c is below n and the division cannot
// overflow.
func share(s, n, c int64) int64 {
	if n <= c {
		return s
	}
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
// group, and marks the groups as reached.
func (u *unit) addTo(totals [][]int128, reached []bool, chosen []choice, draws []plan.Draw, limits privacy.Bounds) {
	scale := u.scaling(chosen, limits)
	for _, ch := range chosen {
		group := u.touched[ch.slot]
		reached[group] = true
		cells := u.cells[int(ch.slot)*u.draws:][:u.draws]
		for d := range draws {
			if v := contribution(draws[d].Kind, cells[d], limits.MaxRowsPerPartition, scale); v != 0 {
				totals[d][group] = totals[d][group].AddInt64(v)
			}
		}
	}
}
