package rank

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// sipKey is a key of SipHash.
type sipKey struct{ k0, k1 uint64 }

// derive makes a key of the dataset's salt for one use of it.
func derive(salt []byte, use string) sipKey {
	h := hmac.New(sha256.New, salt)
	_, _ = h.Write([]byte("noised rank 1\x00" + use))
	sum := h.Sum(nil)
	return sipKey{binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])}
}

// sip is the state of SipHash-1-3 (Aumasson, Bernstein 2012, with one and three
// rounds) over a message of whole words. It is a value: what has been absorbed
// can be continued in several ways.
type sip struct{ v0, v1, v2, v3 uint64 }

func (k sipKey) begin() sip {
	return sip{k.k0 ^ 0x736f6d6570736575, k.k1 ^ 0x646f72616e646f6d, k.k0 ^ 0x6c7967656e657261, k.k1 ^ 0x7465646279746573}
}

// absorb adds a word to the message.
func (s sip) absorb(word uint64) sip {
	s.v3 ^= word
	s = s.round()
	s.v0 ^= word
	return s
}

func (s sip) round() sip {
	s.v0 += s.v1
	s.v2 += s.v3
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v1
	s.v0 += s.v3
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 = bits.RotateLeft64(s.v2, 32)
	return s
}

// finish returns the hash of a message of the given number of words.
func (s sip) finish(words int) uint64 {
	s = s.absorb(uint64(words) * 8 << 56)
	s.v2 ^= 0xff
	s = s.round().round().round()
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}
