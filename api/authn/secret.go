package authn

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Prefix begins every key, so that people and scanners for leaked secrets
// recognise one.
const Prefix = "noised_"

// secretLength is the length of a whole key: 256 bits are 52 characters.
const secretLength = len(Prefix) + 52

var secretEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return Prefix + secretEncoding.EncodeToString(b[:])
}

// hashSecret returns what the store keeps of a key. It is false for what
// cannot be one.
func hashSecret(secret string) ([sha256.Size]byte, bool) {
	if len(secret) != secretLength || !strings.HasPrefix(secret, Prefix) {
		return [sha256.Size]byte{}, false
	}
	return sha256.Sum256([]byte(secret)), true
}
