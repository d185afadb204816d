package rank

import "testing"

// The hashes of CPython, which hashes bytes by SipHash-1-3 under a key of zeros
// when PYTHONHASHSEED is 0: hash(bytes(8)), hash(bytes(range(8))) and
// hash(bytes(range(16))).
func TestTheHashIsSipHash13(t *testing.T) {
	for _, v := range []struct {
		words []uint64
		want  uint64
	}{
		{[]uint64{0}, 0xbd60acb658c79e45},
		{[]uint64{0x0706050403020100}, 0xead411e67ebe2eea},
		{[]uint64{0x0706050403020100, 0x0f0e0d0c0b0a0908}, 0x8972188433a5c5b7},
	} {
		s := sipKey{}.begin()
		for _, w := range v.words {
			s = s.absorb(w)
		}
		if got := s.finish(len(v.words)); got != v.want {
			t.Errorf("the hash of %x is %#x, want %#x", v.words, got, v.want)
		}
	}
}

func TestKeysAreOfTheSaltAndTheUse(t *testing.T) {
	salt, other := []byte("sixteen bytes..."), []byte("sixteen bytes.,.")
	keys := map[sipKey]bool{derive(salt, "row"): true, derive(salt, "key\x00a"): true, derive(salt, "key\x00a\x00b"): true, derive(other, "row"): true}
	if len(keys) != 4 {
		t.Error("two uses share a key")
	}
	// Stored ranks are compared with those of later loads: the key never changes.
	if got, want := derive(salt, "row"), (sipKey{0x6f3235e92d122ed8, 0x63ff42531265d7f5}); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
}
