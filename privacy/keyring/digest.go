package keyring

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// digestPrefix tells a keyed digest from a plain one.
const digestPrefix = "k1:"

// IsDigest reports whether a text has the form of a keyed digest.
func IsDigest(text string) bool { return strings.HasPrefix(text, digestPrefix) }

// Digest identifies parts to whoever has the scope's key, and tells nobody else
// whether a guess of them is right. ok is false for a ring that is off. Parts do not
// run into one another.
func (r *Ring) Digest(ctx context.Context, in Reader, s Scope, parts ...string) (digest string, ok bool, err error) {
	if !r.On() {
		return "", false, nil
	}
	key, err := r.Key(ctx, in, s)
	if err != nil {
		return "", false, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(bound("noised digest", s.Tenant, s.Name, s.Row))
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return digestPrefix + hex.EncodeToString(h.Sum(nil)), true, nil
}
