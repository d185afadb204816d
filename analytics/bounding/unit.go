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
	draws   int
	slotOf  []int32 // by group
	touched []int32 // groups, in order of appearance
	cells   []cell  // slot·draws + draw

	chosen []choice // scratch of choose
	buf    []byte   // scratch of choose
}

// choice is a slot with the hash that ranks it.
type choice struct {
	hash uint64
	slot int32
}

func (u *unit) reset(id uint64) {
	u.id, u.rows = id, 0
	u.touched, u.cells = u.touched[:0], u.cells[:0]
}

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
				cells[d].s += v
			}
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
	u.chosen = u.chosen[:0]
	if int64(len(u.touched)) <= limit {
		for slot := range u.touched {
			u.chosen = append(u.chosen, choice{slot: int32(slot)})
		}
		return u.chosen
	}
	for slot, group := range u.touched {
		u.buf = binary.LittleEndian.AppendUint64(u.buf[:0], u.id)
		u.buf = append(u.buf, g.text(group)...)
		u.offer(choice{siphash.Hash(k0, k1, u.buf), int32(slot)}, int(limit), g)
	}
	return u.chosen
}

// offer keeps c if it is among the limit smallest so far. The kept form a heap
// with the largest on top.
func (u *unit) offer(c choice, limit int, g *groups) {
	if len(u.chosen) < limit {
		u.chosen = append(u.chosen, c)
		for i := len(u.chosen) - 1; i > 0 && u.larger(u.chosen[i], u.chosen[(i-1)/2], g); i = (i - 1) / 2 {
			u.chosen[i], u.chosen[(i-1)/2] = u.chosen[(i-1)/2], u.chosen[i]
		}
		return
	}
	if !u.larger(u.chosen[0], c, g) {
		return
	}
	u.chosen[0] = c
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < limit && u.larger(u.chosen[child+1], u.chosen[child], g) {
			child++
		}
		if child >= limit || !u.larger(u.chosen[child], u.chosen[i], g) {
			return
		}
		u.chosen[i], u.chosen[child] = u.chosen[child], u.chosen[i]
		i = child
	}
}

// larger orders choices by hash, and equal hashes by the key's text.
func (u *unit) larger(a, b choice, g *groups) bool {
	if a.hash != b.hash {
		return a.hash > b.hash
	}
	return g.text(u.touched[a.slot]) > g.text(u.touched[b.slot])
}

// contribution is what a unit adds to a group's draw, given its cell.
func contribution(kind plan.DrawKind, x cell, c int64) int64 {
	switch kind {
	case plan.DrawRows:
		return min(x.n, c)
	case plan.DrawUnits:
		return min(x.n, 1)
	default:
		return share(x.s, x.n, c)
	}
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
func (u *unit) addTo(totals [][]privacy.Int128, reached []bool, chosen []choice, draws []plan.Draw, c int64) {
	for _, ch := range chosen {
		group := u.touched[ch.slot]
		reached[group] = true
		cells := u.cells[int(ch.slot)*u.draws:][:u.draws]
		for d := range draws {
			if v := contribution(draws[d].Kind, cells[d], c); v != 0 {
				totals[d][group] = totals[d][group].AddInt64(v)
			}
		}
	}
}
