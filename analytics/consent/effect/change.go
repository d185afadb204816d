package effect

import (
	"slices"
	"strings"
)

// Change is one field that changes.
type Change struct {
	Field  string  `json:"field"` // dotted path, e.g. "columns.rating.bounds"
	Before string  `json:"before"`
	After  string  `json:"after"`
	Widens bool    `json:"widens"`
	Says   string  `json:"says"` // one sentence for people
	Noise  []Noise `json:"noise,omitempty"`
}

// Noise is the standard deviation that a query's noise has per group, at the loss
// that the contract gives a query that does not say how much.
type Noise struct {
	Of     string  `json:"of"` // "COUNT(*)" or "SUM(column)"
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

// Widens reports whether any part of a change widens.
func Widens(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Widens })
}

// Sentences returns what the parts of a change say, those that widen first.
func Sentences(changes []Change) []string {
	var wider, others []string
	for _, c := range changes {
		if c.Widens {
			wider = append(wider, c.Says)
		} else {
			others = append(others, c.Says)
		}
	}
	return append(wider, others...)
}

// none stands for what a contract does not say.
const none = "none"

// list collects changes.
type list struct{ changes []Change }

// add notes a field that differs. The sentence is about it as it becomes.
func (l *list) add(field, before, after string, widens bool, subject string) {
	if before == after {
		return
	}
	l.changes = append(l.changes, Change{Field: field, Before: before, After: after, Widens: widens, Says: sentence(subject, before, after)})
}

func sentence(subject, before, after string) string {
	if strings.HasSuffix(subject, ".") {
		return subject
	}
	return subject + ": from " + before + " to " + after + "."
}
