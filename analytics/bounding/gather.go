package bounding

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/dchest/siphash"

	"github.com/noised/noised/analytics/bounding/internal/tally"
	"github.com/noised/noised/analytics/plan"
)

// item is a value that a unit has in one of its groups: a leaf of a tree, or
// the hash of a value that is counted once.
type item struct {
	value int64
	slot  int32
	rows  int32 // at most plan.MaxUnitRows
}

// gatherer collects the values of one unit at a time for a draw that looks at
// each of them. A unit's items are a multiset: items of one slot and value are
// merged whenever they have doubled, so that there are never more than twice
// as many as different values, and never more than plan.MaxUnitRows.
type gatherer struct {
	draw   int
	once   bool   // a value counts once per unit, whatever its rows
	tag    uint64 // tells draws apart in hashes
	tally  tally.Tally
	items  []item
	merges int // merge when there are so many items

	lowest smallest[ranked]
	buf    []byte
}

// mergeItems is the least number of items that is worth merging.
const mergeItems = 1 << 12

func newGatherer(draw int, d plan.Draw, k0, k1 uint64) *gatherer {
	g := &gatherer{draw: draw, once: d.Kind == plan.DrawDistinct, tag: siphash.Hash(k0, k1, []byte(d.String())), merges: mergeItems}
	g.lowest.larger = ranked.larger
	if g.once {
		g.tally = &tally.Values{}
	} else {
		g.tally = tally.NewTree(d.Tree)
	}
	return g
}

func (g *gatherer) reset() { g.items, g.merges = g.items[:0], mergeItems }

// take takes row i of a batch into the unit's slot.
func (g *gatherer) take(b *Batch, i int, slot int32) {
	v := b.Values[g.draw][i]
	if v == Absent {
		return
	}
	if len(g.items) == g.merges {
		g.items = merge(g.items)
		g.merges = max(mergeItems, 2*len(g.items))
	}
	g.items = append(g.items, item{value: v, slot: slot, rows: 1})
}

// merge sorts items by slot and value, and makes one of those that agree in
// both.
func merge(items []item) []item {
	slices.SortFunc(items, func(a, b item) int {
		if a.slot != b.slot {
			return cmp.Compare(a.slot, b.slot)
		}
		return cmp.Compare(a.value, b.value)
	})
	out := items[:0]
	for _, it := range items {
		if n := len(out); n > 0 && out[n-1].slot == it.slot && out[n-1].value == it.value {
			out[n-1].rows += it.rows
		} else {
			out = append(out, it)
		}
	}
	return out
}

// finish counts what the unit adds to its kept slots: everything where it has
// at most c rows, and a choice elsewhere.
func (g *gatherer) finish(u *units, kept []bool, c int64, k0, k1 uint64, in *groups) {
	over, of := g.items[:0], u.tallies(g.draw)
	for _, it := range g.items {
		switch {
		case !kept[it.slot]:
		case of.cell(it.slot).n > c:
			over = append(over, it)
		default:
			g.tally.Add(u.touched[it.slot].group, it.value, int64(it.rows))
		}
	}
	for over = merge(over); len(over) > 0; {
		end := 1
		for end < len(over) && over[end].slot == over[0].slot {
			end++
		}
		group := u.touched[over[0].slot].group
		g.choose(over[:end], group, c, g.keys(u.id, k0, k1, in.text(group)))
		over = over[end:]
	}
}

// choose counts c of the values, or rows, that a unit has in a group: those
// with the smallest hashes.
func (g *gatherer) choose(items []item, group int32, c int64, key [2]uint64) {
	g.lowest.reset(int(c))
	for _, it := range items {
		if g.once {
			it.rows = 1
		}
		for ordinal := range it.rows {
			g.buf = binary.LittleEndian.AppendUint64(g.buf[:0], uint64(it.value))
			g.buf = binary.LittleEndian.AppendUint32(g.buf, uint32(ordinal))
			g.lowest.offer(ranked{siphash.Hash(key[0], key[1], g.buf), it.value, ordinal})
		}
	}
	for _, r := range g.lowest.kept {
		g.tally.Add(group, r.value, 1)
	}
}

// keys returns the key that ranks a unit's values in a group, for this draw.
func (g *gatherer) keys(unit, k0, k1 uint64, key string) [2]uint64 {
	g.buf = binary.LittleEndian.AppendUint64(g.buf[:0], unit)
	g.buf = binary.LittleEndian.AppendUint64(g.buf, g.tag)
	g.buf = append(g.buf, key...)
	h0, h1 := siphash.Hash128(k0, k1, g.buf)
	return [2]uint64{h0, h1}
}

// ranked is one row, or value, with the hash that ranks it.
type ranked struct {
	hash    uint64
	value   int64
	ordinal int32 // among the unit's rows with that value
}

// larger orders by hash; what has equal hashes differs in value or ordinal.
func (r ranked) larger(o ranked) bool {
	if r.hash != o.hash {
		return r.hash > o.hash
	}
	if r.value != o.value {
		return r.value > o.value
	}
	return r.ordinal > o.ordinal
}
