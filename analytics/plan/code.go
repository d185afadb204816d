package plan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// MaxCoded is the largest number of declared texts that codes are stored for:
// one more value says that a text is none of them, and all fit 16 bits.
const MaxCoded = 1<<16 - 1

// CodeColumn is the column of the codes of a dimension of texts, which loads
// store beside it: the place of the text among the declared values, from 0, or
// their number where it is none of them, or NULL. An engine that groups by small
// integers needs no hash table of texts. Names of columns have no colons.
func CodeColumn(dimension string) string { return "_code:" + dimension }

// CodesOf identifies the codes of declared texts: two lists have the same one
// exactly if they have the same texts in the same order (but for a collision of
// SHA-256). Codes serve a query only where those stored are of its own list.
func CodesOf(values []Value) string {
	h := sha256.New()
	for _, v := range values {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(v.Str)))
		h.Write(size[:])
		h.Write([]byte(v.Str))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Codable reports whether codes are stored for a dimension of a type, with given
// declared values, nil for a private one.
func Codable(t Type, values []Value) bool {
	return t.Kind == KindVarchar && len(values) > 0 && len(values) <= MaxCoded
}
