package bounding

// valueSets counts different hashes per group: a union over units.
type valueSets struct{ byGroup []valueSet }

func (s *valueSets) grow(groups int) {
	s.byGroup = append(s.byGroup, make([]valueSet, groups-len(s.byGroup))...)
}

func (s *valueSets) add(group int32, value, _ int64) { s.byGroup[group].add(value) }

func (s *valueSets) each(group int, f func(value, rows int64)) {
	for _, v := range s.byGroup[group].slots {
		if v != Absent {
			f(v, 1)
		}
	}
}

func (s *valueSets) draws(order []int) []int128 {
	out := make([]int128, 0, len(order))
	for _, group := range order {
		out = append(out, int128{}.AddInt64(int64(s.byGroup[group].size)))
	}
	return out
}

// valueSet is a set of hashes with open addressing: 8 bytes per slot, of which
// at most three quarters are taken. Hashes are keyed, so their low bits spread
// whatever the data, and serve as they are.
type valueSet struct {
	slots []int64 // Absent where empty; a power of two
	size  int
}

// add adds a hash, which is not Absent.
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
		case Absent:
			s.slots[i] = v
			return true
		}
	}
}

func (s *valueSet) double() {
	old := s.slots
	s.slots = make([]int64, max(8, 2*len(old)))
	for i := range s.slots {
		s.slots[i] = Absent
	}
	for _, v := range old {
		if v != Absent {
			s.put(v)
		}
	}
}
