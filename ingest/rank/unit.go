package rank

import (
	"cmp"
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// ranks has the ranks of one unit's rows, by place in their order.
type ranks struct {
	order []int32 // the rows
	key   [][]uint16
	row   [][]uint16

	sorted []hashed // scratch
}

// hashed is a hash and what has it.
type hashed struct {
	hash uint64
	at   int32
}

// of ranks rows by their hashes, and by those of their keys per grouping. less
// orders rows whose hashes are equal by their values.
func (r *ranks) of(rows []uint64, keys [][]uint64, tied func(i, j int32) int) {
	n := len(rows)
	r.order = slices.Grow(r.order[:0], n)[:n]
	r.sorted = slices.Grow(r.sorted[:0], n)[:n]
	for i, h := range rows {
		r.sorted[i] = hashed{h, int32(i)}
	}
	slices.SortFunc(r.sorted, func(a, b hashed) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return tied(a.at, b.at)
	})
	for place, s := range r.sorted {
		r.order[place] = s.at
	}
	for g, hashes := range keys {
		r.key[g] = slices.Grow(r.key[g][:0], n)[:n]
		r.row[g] = slices.Grow(r.row[g][:0], n)[:n]
		r.grouping(hashes, r.key[g], r.row[g])
	}
}

// grouping ranks keys, and rows within their keys.
func (r *ranks) grouping(hashes []uint64, key, row []uint16) {
	for place, at := range r.order {
		r.sorted[place] = hashed{hashes[at], int32(place)}
	}
	slices.SortFunc(r.sorted, func(a, b hashed) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return cmp.Compare(a.at, b.at)
	})
	keys, within := 0, 0
	for i, s := range r.sorted {
		switch {
		case i == 0:
		case s.hash != r.sorted[i-1].hash:
			keys, within = keys+1, 0
		default:
			within++
		}
		key[s.at], row[s.at] = saturated(keys), saturated(within)
	}
}

func saturated(rank int) uint16 { return uint16(min(rank, plan.MaxRank)) }
