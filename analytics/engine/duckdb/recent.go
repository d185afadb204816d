package duckdb

// recent remembers the places of values that were looked up, one per slot, in
// front of a map. A slot is found by one multiplication, whatever the data; what
// its last value was decides how fast a look-up is, and nothing else.
type recent[K comparable] struct{ slots []known[K] }

type known[K comparable] struct {
	value K
	place int32 // plus one; 0 where nothing is known
}

// recentBits is the logarithm of the number of slots.
const recentBits = 9

// at returns the slot of a value, given a word that tells values apart.
func (r *recent[K]) at(word uint64) *known[K] {
	if r.slots == nil {
		r.slots = make([]known[K], 1<<recentBits)
	}
	return &r.slots[word*golden>>(64-recentBits)]
}

// golden spreads the low bits of a word over its high ones.
const golden = 0x9e3779b97f4a7c15
