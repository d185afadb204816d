package erase

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/noised/noised/privacy"
)

// checkUnits refuses what cannot be a list of ids. It names places, never ids.
func checkUnits(units []string) error {
	if len(units) == 0 || len(units) > MaxUnits {
		return privacy.Errorf(privacy.CodeInvalidRequest, "an erasure names 1 to %d units", MaxUnits)
	}
	for i, u := range units {
		if u == "" || len(u) > MaxUnit || !utf8.ValidString(u) || strings.ContainsRune(u, 0) {
			return privacy.Errorf(privacy.CodeInvalidRequest, "unit %d of the list is no id: it has 1 to %d bytes of UTF-8", i+1, MaxUnit)
		}
	}
	return nil
}

// commitmentLabel keeps these commitments apart from all others.
const commitmentLabel = "noised erasure v1\n"

// Commitment is what the log has of the units of a request: SHA-256 over the label
// "noised erasure v1" and a newline, the nonce of 32 bytes, and the ids in the order of
// their bytes, each once, each after its length as 8 bytes, big endian. Whoever has the
// nonce can show with it what was asked; whoever has not learns nothing from it.
func Commitment(nonce [32]byte, units []string) string {
	h := sha256.New()
	_, _ = h.Write([]byte(commitmentLabel))
	_, _ = h.Write(nonce[:])
	for _, u := range slices.Compact(slices.Sorted(slices.Values(units))) {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(u))))
		_, _ = h.Write([]byte(u))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func freshNonce() (nonce [32]byte) {
	_, _ = rand.Read(nonce[:]) // never fails: crypto/rand aborts the process instead
	return nonce
}

// packed and unpacked are pseudonyms as they are stored, in ascending order, each once:
// the order of a request is nobody's business.
func packed(units []uint64) []byte {
	var out []byte
	for _, u := range slices.Compact(slices.Sorted(slices.Values(units))) {
		out = binary.BigEndian.AppendUint64(out, u)
	}
	return out
}

func unpacked(stored []byte) []uint64 {
	var units []uint64
	for ; len(stored) >= 8; stored = stored[8:] {
		units = append(units, binary.BigEndian.Uint64(stored))
	}
	return units
}
