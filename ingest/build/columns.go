package build

import (
	"fmt"

	"github.com/noised/noised/ingest/segment"
)

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
