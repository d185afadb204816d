package upload

import (
	"context"
	"fmt"
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
			return nil, nil, rejected("column %s is missing; the file has %s", c.Name, listNames(names))
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

// maxListedNames keeps a message about a file with thousands of columns short.
const maxListedNames = 30

func listNames(names []string) string {
	if len(names) == 0 {
		return "no columns"
	}
	short := make([]string, 0, maxListedNames)
	for _, n := range names[:min(len(names), maxListedNames)] {
		short = append(short, scan.ShortName(n))
	}
	text := strings.Join(short, ", ")
	if more := len(names) - maxListedNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
