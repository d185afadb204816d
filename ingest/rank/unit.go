package rank

import (
	"cmp"
	"slices"
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

// sort puts rows in the order of their hashes; tied orders rows whose hashes are
// equal by their values.
func (r *ranks) sort(rows []uint64, tied func(i, j int32) int) {
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
}

// rank ranks the first n of the sorted rows by their key hashes in each
// grouping, behind the classes that are known.
func (r *ranks) rank(n int, keys [][]uint64, known []classes) {
	for g, hashes := range keys {
		r.key[g] = slices.Grow(r.key[g][:0], n)[:n]
		r.row[g] = slices.Grow(r.row[g][:0], n)[:n]
		r.grouping(hashes, &known[g], r.key[g], r.row[g])
	}
}

// grouping ranks keys, and rows within their keys.
func (r *ranks) grouping(hashes []uint64, known *classes, key, row []uint16) {
	known.sort()
	sorted := r.sorted[:len(key)]
	for place, at := range r.order[:len(key)] {
		sorted[place] = hashed{hashes[at], int32(place)}
	}
	slices.SortFunc(sorted, func(a, b hashed) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return cmp.Compare(a.at, b.at)
	})
	var present uint16
	keys, within, from := known.keys, 0, 0
	for i, s := range sorted {
		if i > 0 && s.hash == sorted[i-1].hash {
			within++
		} else {
			var old *class
			if old, from = known.find(s.hash, from); old != nil {
				present, within = old.key, int(old.rows)
			} else {
				present, within = saturated(keys), 0
				keys++
			}
		}
		key[s.at], row[s.at] = present, saturated(within)
	}
}
