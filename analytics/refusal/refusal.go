// Package refusal words how a query is refused: with a code, the place in its
// text, and the nearest form that would be permitted. The names that it repeats
// are cut to a length that a message can bear.
//
// A refusal depends on the query's text and the contract, never on rows: whoever
// words one has not seen any.
package refusal

import (
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// New returns a refusal that points at a place in the text.
func New(at plan.Pos, format string, args ...any) *privacy.Error {
	return privacy.Errorf(privacy.CodeQueryNotPermitted, format, args...).At(int(at))
}

// Located returns err, pointing at a place in the text if it has none.
func Located(err error, at plan.Pos) error {
	if e := privacy.AsError(err); e.Position == 0 {
		return e.At(int(at))
	}
	return err
}

// maxListed bounds how many names a suggestion lists.
const maxListed = 20

// Listed writes the first of many names.
func Listed(names []string) string {
	if len(names) > maxListed {
		return strings.Join(names[:maxListed], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// Shorten cuts a name that somebody else chose.
func Shorten(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

// maxNameBytes bounds the names that are compared.
const maxNameBytes = 510

// Nearest returns the candidate that differs from name by the fewest edits, if
// these are few for its length.
func Nearest(name string, candidates []string) (string, bool) {
	best, fewest := "", 1+max(1, len(name)/3)
	if len(name) > maxNameBytes {
		return "", false
	}
	for _, c := range candidates {
		if d := edits(name, c); d < fewest {
			best, fewest = c, d
		}
	}
	return best, best != ""
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
