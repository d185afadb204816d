package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/noised/noised/privacy"
)

// Limits on a set, so that neither reading nor deciding is expensive.
const (
	MaxBytes    = 256 << 10 // of all texts
	MaxFiles    = 64
	MaxPolicies = 500
	maxNesting  = 64  // of brackets
	maxDots     = 256 // of one policy: a chain of them costs its square
)

// Files are the texts of a set, by the names of their files.
type Files map[string]string

// fileName is what may name a file: it stands in messages.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// check refuses what is too large to be read.
func (f Files) check() error {
	if len(f) == 0 {
		return refused("the set has no policy: it would deny everything")
	}
	if len(f) > MaxFiles {
		return refused(fmt.Sprintf("the set has more than %d files", MaxFiles))
	}
	total := 0
	for name, text := range f {
		if !fileName.MatchString(name) {
			return refused("a file's name may have letters, digits, '.', '_' and '-', up to 100 of them")
		}
		if !utf8.ValidString(text) {
			return refused("the file " + name + " is not UTF-8")
		}
		if total += len(text); total > MaxBytes {
			return refused(fmt.Sprintf("the policies have more than %d bytes", MaxBytes))
		}
		if line, why := tooDeep(text); line > 0 {
			return refusedAt(name, line, why)
		}
	}
	return nil
}

// tooDeep returns the line on which a text nests too deep for a parser that
// recurses, or has too long a chain, and which it is; 0 where it does not. What
// stands in quotes and comments counts too, which refuses a little more than it
// must.
func tooDeep(text string) (line int, why string) {
	depth, dots := 0, 0
	line = 1
	for _, r := range text {
		switch r {
		case '\n':
			line++
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		case '.':
			dots++
		case ';':
			depth, dots = 0, 0
		}
		switch {
		case depth > maxNesting:
			return line, fmt.Sprintf("brackets are nested more than %d deep", maxNesting)
		case dots > maxDots:
			return line, fmt.Sprintf("one policy has more than %d dots", maxDots)
		}
	}
	return 0, ""
}

// names lists the files, sorted.
func (f Files) names() []string { return slices.Sorted(maps.Keys(f)) }

// digest identifies the texts.
func (f Files) digest() string {
	text, _ := json.Marshal(f) // a map of texts always marshals, with its keys sorted
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// refused is the error of a set that may not come into force. Policies are their
// author's own text, so that it may quote them.
func refused(message string) *privacy.Error {
	return privacy.Errorf(privacy.CodeInvalidRequest, "the policies do not hold: %s", message)
}

func refusedAt(file string, line int, message string) *privacy.Error {
	e := privacy.Errorf(privacy.CodeInvalidRequest, "the policies do not hold: %s, line %d: %s", file, line, message)
	e.Problems = []privacy.Problem{{Line: line, Field: file, Message: message}}
	return e
}
