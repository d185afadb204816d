// Package keyringtest has a key-encryption key for tests of what is stored sealed. It
// needs no file, and what it wraps is not what was given, so that a data key that is
// stored as it is does not open. It hides nothing.
package keyringtest

import (
	"bytes"
	"context"
)

// Wrapper is a keyring.Wrapper that turns the bits of keys over. All are the same one.
type Wrapper struct{}

// Wrap implements keyring.Wrapper.
func (Wrapper) Wrap(_ context.Context, key, _ []byte) ([]byte, error) { return turned(key), nil }

// Unwrap implements keyring.Wrapper.
func (Wrapper) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return turned(wrapped), nil
}

func turned(key []byte) []byte {
	out := bytes.Clone(key)
	for i := range out {
		out[i] = ^out[i]
	}
	return out
}
