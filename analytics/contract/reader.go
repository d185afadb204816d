package contract

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/noised/noised/privacy"
)

// maxProblems limits how many problems one answer lists.
const maxProblems = 1000

// reader walks a document and collects its problems. Its methods return false
// when they have reported one, so that callers go on with the rest.
type reader struct {
	problems    []privacy.Problem
	domainLeft  int // domain values that the contract may still declare
	columnsLeft int // columns likewise
}

func (r *reader) problem(line int, field, format string, args ...any) {
	r.problems = append(r.problems, privacy.Problem{Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// err returns every problem in the order of the document, or nil.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b privacy.Problem) int { return a.Line - b.Line })
	if more := len(r.problems) - maxProblems; more > 0 {
		r.problems = append(r.problems[:maxProblems], privacy.Problem{Message: fmt.Sprintf("and %d more problems", more)})
	}
	noun := "problems"
	if len(r.problems) == 1 {
		noun = "problem"
	}
	e := privacy.Errorf(privacy.CodeContractInvalid, "the contract has %d %s", len(r.problems), noun)
	e.Problems = r.problems
	return e
}

// object is a mapping whose keys are known field names.
type object struct {
	r     *reader
	field string // dotted path; empty for the document
	line  int
	at    map[string]*node
}

// object reads a mapping with the given fields. It reports unknown and
// repeated ones and reads the rest.
func (r *reader) object(n *node, field string, fields ...string) (object, bool) {
	o := object{r: r, field: field, line: n.line, at: map[string]*node{}}
	if n.kind != kindMapping {
		r.problem(n.line, field, "must have the fields %s", strings.Join(fields, ", "))
		return o, false
	}
	for i, k := range n.keys {
		switch {
		case !slices.Contains(fields, k.name):
			r.problem(k.line, o.path(k.name), "unknown field; known here are %s", strings.Join(fields, ", "))
		case o.at[k.name] != nil:
			r.problem(k.line, o.path(k.name), "given twice")
		default:
			o.at[k.name] = n.items[i]
		}
	}
	return o, true
}

func (o object) path(name string) string {
	if o.field == "" {
		return name
	}
	return o.field + "." + name
}

// need returns a required field.
func (o object) need(name string) (*node, bool) {
	n := o.at[name]
	if n == nil || n.isNull() {
		o.r.problem(o.lineOf(name), o.path(name), "is required")
		return nil, false
	}
	return n, true
}

// has reports whether an optional field is there.
func (o object) has(name string) bool { return o.at[name] != nil }

// lineOf is the line of a field, or of the mapping that lacks it.
func (o object) lineOf(name string) int {
	if n := o.at[name]; n != nil {
		return n.line
	}
	return o.line
}

// text reads a required text.
func (o object) text(name string) (string, bool) {
	n, ok := o.need(name)
	if !ok {
		return "", false
	}
	return o.r.text(n, o.path(name))
}

// integer reads a required whole number between lo and hi.
func (o object) integer(name string, lo, hi int64) (int64, bool) {
	n, ok := o.need(name)
	if !ok {
		return 0, false
	}
	return o.r.integer(n, o.path(name), lo, hi)
}

// lineOf is the line of a mapping's key, or of the mapping that lacks it.
func (n *node) lineOf(name string) int {
	for _, k := range n.keys {
		if k.name == name {
			return k.line
		}
	}
	return n.line
}

func (n *node) isPlain() bool { return n.kind == kindScalar && !n.quoted }

func (n *node) isNull() bool {
	return n.isPlain() && slices.Contains([]string{"", "~", "null", "Null", "NULL"}, n.text)
}

func (n *node) isBool() bool {
	return n.isPlain() && slices.Contains([]string{"true", "True", "TRUE", "false", "False", "FALSE"}, n.text)
}

func (n *node) isNumber() bool {
	return n.isPlain() && decimalPattern.MatchString(n.text)
}

func (r *reader) text(n *node, field string) (string, bool) {
	switch {
	case n.kind != kindScalar || n.isNull():
		r.problem(n.line, field, "must be text")
	case n.isNumber() || n.isBool():
		r.problem(n.line, field, "must be text: write %q in quotes", n.text)
	case strings.ContainsRune(n.text, 0):
		r.problem(n.line, field, "must not contain NUL")
	default:
		return n.text, true
	}
	return "", false
}

func (r *reader) decimal(n *node, field string) (*big.Rat, bool) {
	if n.isPlain() {
		if v, ok := parseDecimal(n.text); ok {
			return v, true
		}
	}
	switch {
	case n.kind != kindScalar:
		r.problem(n.line, field, "must be a number")
	case n.quoted && decimalPattern.MatchString(n.text):
		r.problem(n.line, field, "must be a number: write it without quotes")
	case n.isNull():
		r.problem(n.line, field, "must be a number, not empty")
	default:
		r.problem(n.line, field, "must be a finite decimal number, not %q", shorten(n.text))
	}
	return nil, false
}

func (r *reader) integer(n *node, field string, lo, hi int64) (int64, bool) {
	v, ok := r.decimal(n, field)
	if !ok {
		return 0, false
	}
	if !v.IsInt() {
		r.problem(n.line, field, "must be a whole number, not %s", shorten(n.text))
		return 0, false
	}
	if v.Cmp(new(big.Rat).SetInt64(lo)) < 0 || v.Cmp(new(big.Rat).SetInt64(hi)) > 0 {
		r.problem(n.line, field, "must be between %d and %d, not %s", lo, hi, shorten(n.text))
		return 0, false
	}
	return v.Num().Int64(), true
}

// sequence reads a list.
func (r *reader) sequence(n *node, field string) ([]*node, bool) {
	if n.kind != kindSequence {
		r.problem(n.line, field, "must be a list")
		return nil, false
	}
	return n.items, true
}

// shorten keeps the documents' own words in messages, but not pages of them.
func shorten(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return s
}
