package mechanism

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"sync"
)

// source hands out the operating system's random bits, each once: what was
// handed out is wiped from the buffer. It is not safe for concurrent use. The
// zero value is ready.
type source struct {
	// left bytes at the beginning of the buffer are fresh; none in the zero
	// value, so that zeros never pass for randomness.
	left   int
	buffer [1024]byte

	pending     uint64 // the low pendingBits of it are fresh
	pendingBits uint
}

// sources keeps buffers between draws, so that each caller has one to itself
// and none waits for another.
var sources = sync.Pool{New: func() any { return new(source) }}

// word returns 64 random bits.
func (s *source) word() uint64 {
	if s.left == 0 {
		// Read never fails: it ends the process when there is no randomness.
		_, _ = rand.Read(s.buffer[:])
		s.left = len(s.buffer)
	}
	s.left -= 8
	next := s.buffer[s.left : s.left+8]
	w := binary.LittleEndian.Uint64(next)
	clear(next)
	return w
}

// bits returns n random bits, n ≤ 64, as a number.
func (s *source) bits(n uint) uint64 {
	if s.pendingBits < n {
		s.pending, s.pendingBits = s.word(), 64
	}
	v := s.pending & (1<<n - 1)
	s.pending >>= n
	s.pendingBits -= n
	return v
}

// bit returns a fair coin.
func (s *source) bit() bool { return s.bits(1) == 1 }

// below returns a uniform number in 0 … m−1, m ≥ 1, by rejection.
func (s *source) below(m uint64) uint64 {
	n := uint(bits.Len64(m - 1))
	for {
		if v := s.bits(n); v < m {
			return v
		}
	}
}
