package translog

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// Nonce hides what a leaf commits to. It is fresh for each leaf, stays out of
// the log, and is kept with what was done; whoever is shown a part of it can
// check that part, and learns nothing of the others.
type Nonce [32]byte

// NewNonce returns 256 fresh random bits.
func NewNonce() Nonce {
	var n Nonce
	_, _ = rand.Read(n[:]) // never fails: crypto/rand aborts the process instead
	return n
}

// Parts derives the nonces of the parts of a leaf from the leaf's own, so that
// one is kept for all, and each can be shown without the others.
func (n Nonce) Parts() func(part string) Nonce {
	mac := hmac.New(sha256.New, n[:])
	return func(part string) Nonce {
		mac.Reset()
		mac.Write([]byte(part))
		var out Nonce
		mac.Sum(out[:0])
		return out
	}
}

// Commit returns what stands in a leaf for a text: its SHA-256 behind the nonce,
// in hexadecimal.
func (n Nonce) Commit(text []byte) string {
	h := sha256.New()
	h.Write(n[:])
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}
