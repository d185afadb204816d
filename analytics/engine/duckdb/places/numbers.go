package places

import (
	"encoding/binary"
	"math/bits"
)

// numbers is a hash table of the numbers of values, with open addressing. Values
// are hashed under a key that derives from the dataset's salt, so that nobody can
// choose values that share slots.
type numbers[K comparable] struct {
	k0, k1 uint64
	slots  []numbered[K] // a power of two, of which at most half are taken
	taken  int
}

type numbered[K comparable] struct {
	value K
	next  int32 // the number plus one; 0 where there is no value yet
	hash  uint32
}

func newNumbers[K comparable](salt [16]byte) numbers[K] {
	return numbers[K]{
		k0: binary.LittleEndian.Uint64(salt[:8]) ^ golden, k1: binary.LittleEndian.Uint64(salt[8:]) ^ bits.Reverse64(golden),
		slots: make([]numbered[K], 64),
	}
}

// golden keeps keys of zeros from hashing to zeros.
const golden = 0x9e3779b97f4a7c15

// at returns the slot of a value that the given two words tell from others.
// Whoever gets one without a number must give it one before the next call.
func (n *numbers[K]) at(v K, a, b uint64) *numbered[K] {
	hi, lo := bits.Mul64(a^n.k0, b^n.k1)
	hash, mask := uint32(hi^lo), uint32(len(n.slots)-1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch slot := &n.slots[i]; {
		case slot.next == 0:
			return n.take(v, hash)
		case slot.value == v:
			return slot
		}
	}
}

// take gives a new value the first free slot of its hash.
func (n *numbers[K]) take(v K, hash uint32) *numbered[K] {
	if n.taken++; 2*n.taken > len(n.slots) {
		old := n.slots
		n.slots = make([]numbered[K], 2*len(old))
		for i := range old {
			if old[i].next != 0 {
				*n.free(old[i].hash) = old[i]
			}
		}
	}
	slot := n.free(hash)
	slot.value, slot.hash = v, hash
	return slot
}

func (n *numbers[K]) free(hash uint32) *numbered[K] {
	mask := uint32(len(n.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if n.slots[i].next == 0 {
			return &n.slots[i]
		}
	}
}
