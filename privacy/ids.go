package privacy

import (
	"crypto/rand"
	"encoding/base32"
	"regexp"
	"strings"
)

var (
	idEncoding  = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
)

// NewID returns a fresh opaque id of 130 random bits, e.g. "rel_3k…". It
// carries no time, so that ids say nothing about when or how often others act.
func NewID(prefix string) string {
	var b [17]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return prefix + "_" + idEncoding.EncodeToString(b[:])[:26]
}

// NameRule is in words what ValidName wants.
const NameRule = "a lower-case letter, then up to 62 of a-z, 0-9, '_' and '-'"

// ValidName reports whether s may name a tenant or a dataset:
// [a-z][a-z0-9_-]{0,62}.
func ValidName(s string) bool { return namePattern.MatchString(s) }

// CheckName returns a CodeInvalidRequest error unless s is a valid name. The
// kind ("tenant", "dataset") is used in the message.
func CheckName(kind, s string) error {
	if ValidName(s) {
		return nil
	}
	return Errorf(CodeInvalidRequest, "%s name %q is not valid: use %s",
		kind, strings.ToValidUTF8(s, "?"), NameRule)
}
