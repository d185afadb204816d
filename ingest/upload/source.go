package upload

import (
	"context"
	"slices"
	"strings"

	"github.com/noised/noised/ingest/scan"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/shape"
)

// Source is an upload that DuckDB can read: a relation with one expression for
// each wanted column.
type Source struct {
	Relation string // empty when DuckDB cannot read the file: Rewrite first
	Columns  []Column
	Ignored  []string // columns of the file that are not wanted

	// Line is the expression of a row's line number; empty when the number of
	// the row will do, or when lines are not known yet.
	Line string
	// Rewrite reads the file again with a scanner that knows lines and rejects
	// what does not have the format's form. Nil when rows have no lines, and
	// for what is already rewritten.
	Rewrite func(ctx context.Context) (*Source, error)
}

// Column is a column as the file has it.
type Column struct {
	Expr string // over the relation
	Text bool   // VARCHAR, whose empty string means NULL for all other types
}

// match finds the wanted columns among the names of a file: by the same name,
// or else by one that differs in case or surrounding space only. It returns
// their positions and the names that are left over.
func match(wanted []segment.Column, names []string) (at []int, ignored []string, err error) {
	if err := shape.Names(names); err != nil {
		return nil, nil, err
	}
	at = make([]int, len(wanted))
	used := make([]bool, len(names))
	for i, c := range wanted {
		var exact, alike []int
		for j, name := range names {
			if name == c.Name {
				exact = append(exact, j)
			} else if strings.EqualFold(strings.TrimSpace(name), c.Name) {
				alike = append(alike, j)
			}
		}
		candidates := exact
		if len(exact) == 0 {
			candidates = alike
		}
		switch len(candidates) {
		case 0:
			return nil, nil, missing(c.Name, len(names))
		case 1:
			at[i] = candidates[0]
			used[candidates[0]] = true
		default:
			return nil, nil, rejected("column %s occurs %d times in the file", c.Name, len(candidates))
		}
	}
	for j, name := range names {
		if !used[j] && len(ignored) < maxIgnored && !slices.Contains(ignored, scan.ShortName(name)) {
			ignored = append(ignored, scan.ShortName(name))
		}
	}
	return at, ignored, nil
}

// maxIgnored is the number of ignored columns that a load lists.
const maxIgnored = 500

// maxListedNames is how many keys of a line are looked at for those that nobody wants.
const maxListedNames = 30

// missing refuses a file without a column that is needed. What the file has instead is
// not said: messages are kept in clear, and where names were forgotten the first row is
// in their place.
func missing(column string, of int) error {
	return rejected("column %s is missing among the %d that the file names; a CSV file names them in its first line", column, of)
}
