package bounding

import (
	"math"
	"math/bits"
)

// head is the unit at which a cursor stands. Heads are ordered by unit, then
// cursor, so that rows of one unit come in the order of the sources.
type head struct {
	unit   uint64
	cursor uint64 // plus ended, for one that stands nowhere
}

// ended puts a cursor after all others, whatever their units.
const ended = 1 << 32

// heads is a tournament of cursors: each inner node of a binary tree holds the
// greater head of the two that met there, the loser, and nodes[0] the least of
// all. A cursor that moves meets the losers on the way from its leaf to the root
// again. None of these steps is a branch that depends on units, which no
// processor could predict.
type heads struct {
	nodes []head // a power of two; the leaf of cursor i would be node len(nodes)+i
	live  int    // cursors that stand somewhere
}

// newHeads returns the tournament of cursors, of which none stands anywhere yet.
func newHeads(cursors int) heads {
	h := heads{nodes: make([]head, 1<<bits.Len(uint(max(cursors, 1)-1)))}
	for i := range h.nodes {
		h.nodes[i] = head{math.MaxUint64, ended + uint64(i)}
	}
	return h
}

// build plays the tournament for the cursors' units; those left out have ended.
func (h *heads) build(standing []head) {
	n := len(h.nodes)
	winners := make([]head, 2*n)
	copy(winners[n:], h.nodes)
	for _, s := range standing {
		winners[n+int(s.cursor)] = s
	}
	for node := n - 1; node > 0; node-- {
		winners[node], h.nodes[node] = meet(winners[2*node], winners[2*node+1])
	}
	h.nodes[0], h.live = winners[1], len(standing)
}

// top returns the least head.
func (h *heads) top() head { return h.nodes[0] }

// replace moves the top cursor on to another unit.
func (h *heads) replace(unit uint64) { h.play(head{unit, h.nodes[0].cursor}) }

// pop ends the top cursor.
func (h *heads) pop() {
	h.play(head{math.MaxUint64, h.nodes[0].cursor + ended})
	h.live--
}

// play takes the new head of the top cursor from its leaf to the root.
func (h *heads) play(x head) {
	nodes := h.nodes
	for node := (len(nodes) + int(x.cursor%ended)) >> 1; node > 0; node >>= 1 {
		x, nodes[node] = meet(x, nodes[node])
	}
	nodes[0] = x
}

// meet returns the lesser of two heads and the greater.
func meet(x, y head) (less, greater head) {
	_, borrow := bits.Sub64(y.cursor, x.cursor, 0)
	_, borrow = bits.Sub64(y.unit, x.unit, borrow) // 1 iff y < x
	unit, cursor := (x.unit^y.unit)&-borrow, (x.cursor^y.cursor)&-borrow
	return head{x.unit ^ unit, x.cursor ^ cursor}, head{y.unit ^ unit, y.cursor ^ cursor}
}
