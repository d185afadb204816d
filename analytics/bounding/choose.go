package bounding

import "slices"

// choosing is the memory of units' choices among their groups.
type choosing struct {
	ranks  []uint64 // of the slots of one unit
	chosen []int32  // slots, of all units that have chosen
	edge   []int32  // slots, some of which are chosen
	lowest smallest[choice]
	kept   []bool // by slot
}

// choice is a slot with the hash that ranks it.
type choice struct {
	hash uint64
	slot int32
}

// choose adds the slots of at most limit groups of a unit, whose slots lie between
// first and end, to those chosen: all of them if they are few enough, else those
// with the smallest hashes.
func (u *units) choose(id uint64, first, end int32, limit int64, g *groups) {
	n := int(end - first)
	u.chosen = slices.Grow(u.chosen, n)
	if int64(n) <= limit {
		to := len(u.chosen)
		u.chosen = u.chosen[:to+n]
		for i := range u.chosen[to:] {
			u.chosen[to+i] = first + int32(i)
		}
		return
	}
	u.ranks = sized(u.ranks, n)
	for i, s := range u.touched[first:end] {
		h := g.hashes[s.group]
		if h == 0 {
			h = g.hash(s.group)
		}
		u.ranks[i] = h
	}
	of := g.ranking.of(id)
	of.rank(u.ranks)
	u.smallestRanks(first, int(limit))
}

// rankBuckets is the number of equal parts that the range of hashes is cut into.
const (
	rankBuckets = 32
	rankShift   = 64 - 5
)

// smallestRanks chooses the slots with the smallest ranks, fewer than there are.
// The ranks are those of slots from first on. They spread evenly, and so nearly all
// of them fall into a part of their range of which all or none are chosen; only
// those of one part must be compared.
func (u *units) smallestRanks(first int32, limit int) {
	n := len(u.ranks)
	u.chosen, u.edge = slices.Grow(u.chosen, n), slices.Grow(u.edge, n)
	var sizes [rankBuckets]int
	for _, rank := range u.ranks {
		sizes[rank>>rankShift]++
	}
	part, below := uint64(0), 0
	for below+sizes[part] <= limit { // ends, since limit < n
		below += sizes[part]
		part++
	}
	// Every slot is written to both lists, and counted in one or none of them: no
	// branch depends on hashes.
	before := len(u.chosen)
	chosen, edge, among := u.chosen[before:before+n], u.edge[:n], 0
	below = 0
	for i, rank := range u.ranks {
		chosen[below], edge[among] = first+int32(i), int32(i)
		if rank>>rankShift < part {
			below++
		}
		if rank>>rankShift == part {
			among++
		}
	}
	u.chosen = u.chosen[:before+below]
	if below == limit {
		return
	}
	u.lowest.reset(limit - below)
	for _, i := range edge[:among] {
		u.lowest.offer(choice{u.ranks[i], first + i})
	}
	for _, c := range u.lowest.kept {
		u.chosen = append(u.chosen, c.slot)
	}
}

// larger orders choices by hash, and equal hashes by the key's text.
func (u *units) larger(g *groups) func(a, b choice) bool {
	return func(a, b choice) bool {
		if a.hash != b.hash {
			return a.hash > b.hash
		}
		return g.text(u.touched[a.slot].group) > g.text(u.touched[b.slot].group)
	}
}

// keep marks the chosen slots.
func (u *units) keep(chosen []int32) []bool {
	if n := len(u.touched); n > cap(u.kept) {
		u.kept = make([]bool, n, 2*n)
	}
	u.kept = u.kept[:len(u.touched)]
	clear(u.kept)
	for _, slot := range chosen {
		u.kept[slot] = true
	}
	return u.kept
}
