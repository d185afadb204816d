package bounding

import (
	"encoding/binary"
	"math"

	"github.com/dchest/siphash"
)

// ValueHash maps the values of a distinct draw to 64 bits, in the same way for
// all streams and tenants of a dataset: a SipHash-2-4 under a key that derives
// from the dataset's salt. Values of one draw have one type, which is therefore
// not hashed with them.
//
// Different values can share a hash. What a distinct draw counts is then one
// less, and the bounds hold all the same: they are bounds on the number of
// different hashes in a union of sets, and never speak of the values behind
// them. Among n values, n²/2^65 are lost that way, 3 of 10^10.
type ValueHash struct{ k0, k1 uint64 }

// NewValueHash returns the hash of a dataset's salt.
func NewValueHash(salt [16]byte) ValueHash {
	k0, k1 := saltKeys(salt)
	k0, k1 = siphash.Hash128(k0, k1, []byte("values of distinct draws"))
	return ValueHash{k0, k1}
}

func saltKeys(salt [16]byte) (k0, k1 uint64) {
	return binary.LittleEndian.Uint64(salt[:8]), binary.LittleEndian.Uint64(salt[8:])
}

// Text hashes a text. It does not keep it.
func (h ValueHash) Text(b []byte) int64 {
	v := int64(siphash.Hash(h.k0, h.k1, b))
	if v == Absent {
		return Absent + 1
	}
	return v
}

// Integer hashes a boolean, an integer, a date, a timestamp or an unscaled
// decimal.
func (h ValueHash) Integer(v int64) int64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	return h.Text(b[:])
}

// Double hashes a double. Both zeros are one value, and so are all NaNs.
func (h ValueHash) Double(v float64) int64 {
	switch {
	case v == 0:
		return h.Integer(0)
	case math.IsNaN(v):
		v = math.NaN()
	}
	return h.Integer(int64(math.Float64bits(v)))
}
