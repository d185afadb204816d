package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/ingest/segment"
)

// source is an upload that DuckDB can read: a relation with one expression for
// each wanted column.
type source struct {
	relation string
	columns  []rawColumn
	ignored  []string // columns of the file that the contract does not declare

	// line is the expression of a row's line number; empty when the number of
	// the row will do, or when lines are not known yet.
	line string
	// rewrite reads the file again with a scanner that knows lines and rejects
	// what does not have the format's form. Nil when rows have no lines, and
	// for what is already rewritten.
	rewrite func(ctx context.Context) (*source, error)
}

// rawColumn is a column as the file has it.
type rawColumn struct {
	expr string // over relation
	text bool   // VARCHAR, whose empty string means NULL for all other types
}

// wanted returns the columns to read: the one with unit ids, where there is
// one, then those to store.
func (t *task) wanted() []segment.Column {
	if t.unitIsApart() {
		return append([]segment.Column{t.spec.Unit}, t.spec.Columns...)
	}
	return t.spec.Columns
}

// unitIsApart reports whether the unit column is read and not stored. A foreign
// key that holds no unit ids is stored like any other column.
func (t *task) unitIsApart() bool { return !t.spec.Meta.Public && t.spec.hasUnitIDs() }

// unitAt is the position among the wanted columns of the one that leads to the
// unit; −1 for a public table.
func (t *task) unitAt() int {
	switch {
	case t.spec.Meta.Public:
		return -1
	case t.unitIsApart():
		return 0
	default:
		return t.spec.stored(t.spec.Unit.Name)
	}
}

// kept returns the names under which the columns to store are staged.
func (t *task) kept() []string {
	first := 0
	if t.unitIsApart() {
		first = 1
	}
	names := make([]string, len(t.spec.Columns))
	for i := range names {
		names[i] = fmt.Sprintf("k%d", i+first)
	}
	return names
}

// match finds the wanted columns among the names of a file: by the same name,
// or else by one that differs in case or surrounding space only. It returns
// their positions and the names that are left over.
func match(wanted []segment.Column, names []string) (at []int, ignored []string, err error) {
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
		if !used[j] && len(ignored) < maxIgnored && !slices.Contains(ignored, shortName(name)) {
			ignored = append(ignored, shortName(name))
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
		short = append(short, shortName(n))
	}
	text := strings.Join(short, ", ")
	if more := len(names) - maxListedNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shortName makes a column name of a file fit for a message.
func shortName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
	if r := []rune(name); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return name
}
