package places

import (
	"math/bits"

	"github.com/noised/noised/analytics/engine/duckdb/native"
)

// textTable is a hash table without collisions for a few short texts: one
// multiplication and one comparison per look-up, whatever the data.
type textTable struct {
	multiplier uint64
	shift      int
	slots      []textSlot // nil when no such table was found
}

type textSlot struct {
	text  native.Text
	place int32 // −1: empty
}

// Limits of the search for a table.
const (
	tableTexts = 512
	tableTries = 64
)

// newTextTable looks for a multiplier that separates the texts.
func newTextTable(places map[native.Text]int32) textTable {
	if len(places) == 0 || len(places) > tableTexts {
		return textTable{}
	}
	multiplier := uint64(golden)
	for width := bits.Len(uint(len(places))) + 2; width <= bits.Len(uint(len(places)))+8; width++ {
		for range tableTries {
			t := textTable{multiplier: multiplier, shift: 64 - width, slots: make([]textSlot, 1<<width)}
			if t.fill(places) {
				return t
			}
			multiplier = (multiplier + 2) * golden
		}
	}
	return textTable{}
}

// fill returns false if two texts fall into one slot.
func (t *textTable) fill(places map[native.Text]int32) bool {
	for i := range t.slots {
		t.slots[i].place = -1
	}
	for x, place := range places {
		s := &t.slots[t.slot(&x)]
		if s.place >= 0 {
			return false
		}
		*s = textSlot{x, place}
	}
	return true
}

// slot mixes both words. The second is rotated so that texts of four bytes and
// less, which differ in the first word only, and longer ones both spread.
func (t *textTable) slot(x *native.Text) uint64 {
	return (x[0] ^ bits.RotateLeft64(x[1]*t.multiplier, 32)) * t.multiplier >> t.shift
}

// place returns a text's place, −1 if it is not in the table.
func (t *textTable) place(x *native.Text) int32 {
	if s := &t.slots[t.slot(x)]; s.text == *x {
		return s.place
	}
	return -1
}

// places finds the places of many texts, of which long ones are looked up
// elsewhere.
func (t *textTable) places(of []native.Text, out []int32, long *Declared) {
	out = out[:len(of)]
	for row := range of {
		x := &of[row]
		switch s := &t.slots[t.slot(x)]; {
		case s.text == *x:
			out[row] = s.place
		case x.InPlace():
			out[row] = -1
		default:
			out[row] = long.text(x)
		}
	}
}
