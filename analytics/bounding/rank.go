package bounding

import (
	"math/bits"

	"github.com/dchest/siphash"
)

// ranking computes the hashes by which units choose among their keys: SipHash-2-4
// under the dataset's salt of 16 bytes, the unit and the hash of the key. It is
// the state after some of these bytes, so that what is common to many messages
// is hashed once: the text of a key once per run, and a unit once for all of its
// keys.
type ranking struct {
	v0, v1, v2, v3 uint64
	key0, key1     uint64 // hash the texts of keys
}

// newRanking returns the state before the first byte.
func newRanking(k0, k1 uint64) ranking {
	r := ranking{v0: k0 ^ 0x736f6d6570736575, v1: k1 ^ 0x646f72616e646f6d, v2: k0 ^ 0x6c7967656e657261, v3: k1 ^ 0x7465646279746573}
	r.key0, r.key1 = siphash.Hash128(k0, k1, []byte("keys of groups"))
	return r
}

// text hashes the text of a key. Two of them may have one hash: then the same
// units prefer both, and each unit decides between them by their texts.
func (r *ranking) text(key string) uint64 { return siphash.Hash(r.key0, r.key1, []byte(key)) }

// of returns the state after a unit.
func (r *ranking) of(unit uint64) ranking {
	s := *r
	s.v3 ^= unit
	for range 2 {
		s.v0, s.v1, s.v2, s.v3 = sipRound(s.v0, s.v1, s.v2, s.v3)
	}
	s.v0 ^= unit
	return s
}

// rank replaces hashes of keys by those of the whole message. It takes two at a
// time, whose rounds the processor overlaps.
func (r *ranking) rank(keys []uint64) {
	for i := 0; i+1 < len(keys); i += 2 {
		keys[i], keys[i+1] = r.ends(keys[i], keys[i+1])
	}
	if last := len(keys) - 1; len(keys)%2 == 1 {
		keys[last], _ = r.ends(keys[last], 0)
	}
}

// ends ends two messages with the hashes of their keys.
func (r *ranking) ends(x, y uint64) (uint64, uint64) {
	v0, v1, v2, v3 := r.v0, r.v1, r.v2, r.v3^x
	w0, w1, w2, w3 := r.v0, r.v1, r.v2, r.v3^y
	for range 2 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		w0, w1, w2, w3 = sipRound(w0, w1, w2, w3)
	}
	v0, v3, w0, w3 = v0^x, v3^ending, w0^y, w3^ending
	for range 2 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		w0, w1, w2, w3 = sipRound(w0, w1, w2, w3)
	}
	v0, v2, w0, w2 = v0^ending, v2^0xff, w0^ending, w2^0xff
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		w0, w1, w2, w3 = sipRound(w0, w1, w2, w3)
	}
	return v0 ^ v1 ^ v2 ^ v3, w0 ^ w1 ^ w2 ^ w3
}

// ending is the last word of a message of 16 bytes.
const ending = 16 << 56

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v2 += v3
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 = bits.RotateLeft64(v0, 32) + v3
	v2 += v1
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	return v0, v1, bits.RotateLeft64(v2, 32), v3
}
