package document

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/decimal"
	"github.com/noised/noised/privacy"
)

// MaxProblems limits how many problems one answer lists.
const MaxProblems = 1000

// Reader walks a document and collects its problems. Its methods return false
// when they have reported one, so that callers go on with the rest.
type Reader struct{ problems []privacy.Problem }

// Problem notes a problem of a field.
func (r *Reader) Problem(line int, field, format string, args ...any) {
	r.problems = append(r.problems, privacy.Problem{Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// Err returns every problem in the order of the document, or nil.
func (r *Reader) Err() error {
	if len(r.problems) == 0 {
		return nil
	}
	problems := slices.Clone(r.problems)
	slices.SortStableFunc(problems, func(a, b privacy.Problem) int { return a.Line - b.Line })
	if more := len(problems) - MaxProblems; more > 0 {
		problems = append(problems[:MaxProblems], privacy.Problem{Message: fmt.Sprintf("and %d more problems", more)})
	}
	noun := "problems"
	if len(problems) == 1 {
		noun = "problem"
	}
	e := privacy.Errorf(privacy.CodeContractInvalid, "the contract has %d %s", len(problems), noun)
	e.Problems = problems
	return e
}

// Object is a mapping whose keys are known field names.
type Object struct {
	Field string // dotted path; empty for the document
	Line  int
	At    map[string]*Node // by the names of fields
	r     *Reader
}

// Object reads a mapping with the given fields. It reports unknown and
// repeated ones and reads the rest.
func (r *Reader) Object(n *Node, field string, fields ...string) (Object, bool) {
	o := Object{r: r, Field: field, Line: n.Line, At: map[string]*Node{}}
	if n.Kind != Mapping {
		r.Problem(n.Line, field, "must have the fields %s", strings.Join(fields, ", "))
		return o, false
	}
	for i, k := range n.Keys {
		switch {
		case !slices.Contains(fields, k.Name):
			r.Problem(k.Line, o.Path(k.Name), "unknown field; known here are %s", strings.Join(fields, ", "))
		case o.At[k.Name] != nil:
			r.Problem(k.Line, o.Path(k.Name), "given twice")
		default:
			o.At[k.Name] = n.Items[i]
		}
	}
	return o, true
}

// Path is the dotted path of a field.
func (o Object) Path(name string) string {
	if o.Field == "" {
		return name
	}
	return o.Field + "." + name
}

// Need returns a required field.
func (o Object) Need(name string) (*Node, bool) {
	n := o.At[name]
	if n == nil || n.IsNull() {
		o.r.Problem(o.LineOf(name), o.Path(name), "is required")
		return nil, false
	}
	return n, true
}

// Has reports whether an optional field is there.
func (o Object) Has(name string) bool { return o.At[name] != nil }

// LineOf is the line of a field, or of the mapping that lacks it.
func (o Object) LineOf(name string) int {
	if n := o.At[name]; n != nil {
		return n.Line
	}
	return o.Line
}

// Text reads a required text.
func (o Object) Text(name string) (string, bool) {
	n, ok := o.Need(name)
	if !ok {
		return "", false
	}
	return o.r.Text(n, o.Path(name))
}

// Integer reads a required whole number between lo and hi.
func (o Object) Integer(name string, lo, hi int64) (int64, bool) {
	n, ok := o.Need(name)
	if !ok {
		return 0, false
	}
	return o.r.Integer(n, o.Path(name), lo, hi)
}

// LineOf is the line of a mapping's key, or of the mapping that lacks it.
func (n *Node) LineOf(name string) int {
	for _, k := range n.Keys {
		if k.Name == name {
			return k.Line
		}
	}
	return n.Line
}

// IsPlain reports whether a node is a scalar without quotes.
func (n *Node) IsPlain() bool { return n.Kind == Scalar && !n.Quoted }

// IsNull reports whether a node says nothing.
func (n *Node) IsNull() bool {
	return n.IsPlain() && slices.Contains([]string{"", "~", "null", "Null", "NULL"}, n.Text)
}

// IsBool reports whether a node is a truth value.
func (n *Node) IsBool() bool {
	return n.IsPlain() && slices.Contains([]string{"true", "True", "TRUE", "false", "False", "FALSE"}, n.Text)
}

func (n *Node) isNumber() bool {
	return n.IsPlain() && decimal.Is(n.Text)
}

// Text reads a text.
func (r *Reader) Text(n *Node, field string) (string, bool) {
	switch {
	case n.Kind != Scalar || n.IsNull():
		r.Problem(n.Line, field, "must be text")
	case n.isNumber() || n.IsBool():
		r.Problem(n.Line, field, "must be text: write %q in quotes", n.Text)
	case strings.ContainsRune(n.Text, 0):
		r.Problem(n.Line, field, "must not contain NUL")
	default:
		return n.Text, true
	}
	return "", false
}

// Decimal reads a number exactly.
func (r *Reader) Decimal(n *Node, field string) (*big.Rat, bool) {
	if n.IsPlain() {
		if v, ok := decimal.Parse(n.Text); ok {
			return v, true
		}
	}
	switch {
	case n.Kind != Scalar:
		r.Problem(n.Line, field, "must be a number")
	case n.Quoted && decimal.Is(n.Text):
		r.Problem(n.Line, field, "must be a number: write it without quotes")
	case n.IsNull():
		r.Problem(n.Line, field, "must be a number, not empty")
	default:
		r.Problem(n.Line, field, "must be a finite decimal number, not %q", Shorten(n.Text))
	}
	return nil, false
}

// Integer reads a whole number between lo and hi.
func (r *Reader) Integer(n *Node, field string, lo, hi int64) (int64, bool) {
	v, ok := r.Decimal(n, field)
	if !ok {
		return 0, false
	}
	if !v.IsInt() {
		r.Problem(n.Line, field, "must be a whole number, not %s", Shorten(n.Text))
		return 0, false
	}
	if v.Cmp(new(big.Rat).SetInt64(lo)) < 0 || v.Cmp(new(big.Rat).SetInt64(hi)) > 0 {
		r.Problem(n.Line, field, "must be between %d and %d, not %s", lo, hi, Shorten(n.Text))
		return 0, false
	}
	return v.Num().Int64(), true
}

// List reads a list.
func (r *Reader) List(n *Node, field string) ([]*Node, bool) {
	if n.Kind != Sequence {
		r.Problem(n.Line, field, "must be a list")
		return nil, false
	}
	return n.Items, true
}

// Shorten keeps the documents' own words in messages, but not pages of them.
func Shorten(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return s
}
