package bounding

import "slices"

// choosing is the memory of a unit's choice among its groups.
type choosing struct {
	ranks  []uint64 // by slot
	every  []int32  // all slots, and more
	chosen []int32  // slots
	edge   []int32  // slots, some of which are chosen
	lowest smallest[choice]
	kept   []bool // by slot
}

// choice is a slot with the hash that ranks it.
type choice struct {
	hash uint64
	slot int32
}

// choose returns the slots of at most limit groups: all of them if they are
// few enough, else those with the smallest hashes.
func (u *unit) choose(limit int64, g *groups) []int32 {
	if n := len(u.touched); int64(n) <= limit {
		for len(u.every) < n {
			u.every = append(u.every, int32(len(u.every)))
		}
		return u.every[:n]
	}
	u.ranks = u.ranks[:0]
	for _, s := range u.touched {
		u.ranks = append(u.ranks, g.hash(s.group))
	}
	of := g.ranking.of(u.id)
	of.rank(u.ranks)
	u.smallestRanks(int(limit))
	return u.chosen
}

// rankBuckets is the number of equal parts that the range of hashes is cut into.
const (
	rankBuckets = 32
	rankShift   = 64 - 5
)

// smallestRanks chooses the slots with the smallest ranks, fewer than there are.
// Ranks spread evenly, and so nearly all of them fall into a part of their range
// of which all or none are chosen; only those of one part must be compared.
func (u *unit) smallestRanks(limit int) {
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
	chosen, edge, among := u.chosen[:n], u.edge[:n], 0
	below = 0
	for slot, rank := range u.ranks {
		chosen[below], edge[among] = int32(slot), int32(slot)
		if rank>>rankShift < part {
			below++
		}
		if rank>>rankShift == part {
			among++
		}
	}
	u.chosen = chosen[:below]
	if below == limit {
		return
	}
	u.lowest.reset(limit - below)
	for _, slot := range edge[:among] {
		u.lowest.offer(choice{u.ranks[slot], slot})
	}
	for _, c := range u.lowest.kept {
		u.chosen = append(u.chosen, c.slot)
	}
}

// larger orders choices by hash, and equal hashes by the key's text.
func (u *unit) larger(g *groups) func(a, b choice) bool {
	return func(a, b choice) bool {
		if a.hash != b.hash {
			return a.hash > b.hash
		}
		return g.text(u.touched[a.slot].group) > g.text(u.touched[b.slot].group)
	}
}

// keep marks the chosen slots.
func (u *unit) keep(chosen []int32) []bool {
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
