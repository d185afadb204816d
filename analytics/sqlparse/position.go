package sqlparse

import (
	"math"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/noised/noised/analytics/plan"
)

// nowhere is how DuckDB writes the location of a node that it made up.
const nowhere = math.MaxUint64

// positions maps byte offsets of the text to 1-based characters.
type positions struct {
	size int
	at   []plan.Pos // by byte; nil when every character is one byte
}

func newPositions(text string) positions {
	p := positions{size: len(text)}
	if utf8.RuneCountInString(text) == len(text) {
		return p
	}
	p.at = make([]plan.Pos, len(text)+1)
	n := plan.Pos(0)
	for i := range len(text) + 1 {
		if i == len(text) || utf8.RuneStart(text[i]) {
			n++
		}
		p.at[i] = n
	}
	return p
}

// of returns the character at a byte offset; 0 for one outside the text.
func (p positions) of(offset uint64) plan.Pos {
	switch {
	case offset == nowhere || offset > uint64(p.size):
		return 0
	case p.at == nil:
		return plan.Pos(offset) + 1
	default:
		return p.at[offset]
	}
}

var locationPattern = regexp.MustCompile(`"query_location":(\d+)`)

// near returns the first position within a part of the tree; 0 when it has
// none. A text literal may contain what looks like a location, and then the
// position is wrong, which harms nobody.
func (w *walker) near(r gjson.Result) plan.Pos {
	var found plan.Pos
	for _, m := range locationPattern.FindAllStringSubmatch(r.Raw, -1) {
		offset, err := strconv.ParseUint(m[1], 10, 64)
		if p := w.pos.of(offset); err == nil && p > 0 && (found == 0 || p < found) {
			found = p
		}
	}
	return found
}
