package tally

import "github.com/noised/noised/privacy"

// Values counts different hashes per group: a union over units.
type Values struct{ byGroup []valueSet }

// Grow implements Tally.
func (s *Values) Grow(groups int) {
	s.byGroup = append(s.byGroup, make([]valueSet, groups-len(s.byGroup))...)
}

// Add implements Tally. The rows do not count.
func (s *Values) Add(group int32, value, _ int64) { s.byGroup[group].add(value) }

// Each implements Tally.
func (s *Values) Each(group int, f func(value, rows int64)) {
	for _, v := range s.byGroup[group].slots {
		if v != absent {
			f(v, 1)
		}
	}
}

// Draws implements Tally.
func (s *Values) Draws(order []int) []privacy.Int128 {
	out := make([]privacy.Int128, 0, len(order))
	for _, group := range order {
		out = append(out, privacy.Int128{}.AddInt64(int64(s.byGroup[group].size)))
	}
	return out
}

// valueSet is a set of hashes with open addressing: 8 bytes per slot, of which
// at most three quarters are taken. Hashes are keyed, so their low bits spread
// whatever the data, and serve as they are.
type valueSet struct {
	slots []int64 // absent where empty; a power of two
	size  int
}

// add adds a hash, which is not absent.
func (s *valueSet) add(v int64) {
	if 4*s.size >= 3*len(s.slots) {
		s.double()
	}
	if s.put(v) {
		s.size++
	}
}

// put returns false if the hash is there already.
func (s *valueSet) put(v int64) bool {
	mask := uint64(len(s.slots) - 1)
	for i := uint64(v) & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case v:
			return false
		case absent:
			s.slots[i] = v
			return true
		}
	}
}

func (s *valueSet) double() {
	old := s.slots
	s.slots = make([]int64, max(8, 2*len(old)))
	for i := range s.slots {
		s.slots[i] = absent
	}
	for _, v := range old {
		if v != absent {
			s.put(v)
		}
	}
}
