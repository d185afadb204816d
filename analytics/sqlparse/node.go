package sqlparse

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// node is one object of the tree. Its fields are taken out as they are read;
// done refuses the object if one is left.
type node struct {
	fields map[string]gjson.Result
	what   string   // for messages
	pos    plan.Pos // 0 where DuckDB gives none
	near   func() plan.Pos
}

// at returns where to point in a refusal: the node's position, or else that of
// the first located node within.
func (n *node) at() plan.Pos {
	if n.pos != 0 {
		return n.pos
	}
	return n.near()
}

// open reads an object's fields. The location, if it has one, becomes its
// position.
func (w *walker) open(r gjson.Result, what string) (*node, error) {
	if !r.IsObject() {
		return nil, malformed(what)
	}
	n := &node{fields: map[string]gjson.Result{}, what: what, near: func() plan.Pos { return w.near(r) }}
	twice := false
	r.ForEach(func(k, v gjson.Result) bool {
		_, dup := n.fields[k.Str]
		twice = twice || dup
		n.fields[k.Str] = v
		return true
	})
	if twice {
		return nil, malformed(what)
	}
	if at, ok := n.fields["query_location"]; ok {
		delete(n.fields, "query_location")
		n.pos = w.pos.of(at.Uint())
	}
	return n, nil
}

// malformed is for trees that DuckDB does not write.
func malformed(what string) *privacy.Error {
	return privacy.Internal(fmt.Errorf("unexpected shape of %s", what), "read the syntax tree")
}

// take removes a field. A missing one is the zero Result, which is not a
// string, list, object or null.
func (n *node) take(name string) gjson.Result {
	v, ok := n.fields[name]
	delete(n.fields, name)
	if !ok {
		return gjson.Result{Type: gjson.JSON, Raw: "missing"}
	}
	return v
}

// text takes a string.
func (n *node) text(name string) (string, error) {
	v := n.take(name)
	if v.Type != gjson.String {
		return "", malformed(n.what + "." + name)
	}
	return v.Str, nil
}

// flag takes a boolean.
func (n *node) flag(name string) (bool, error) {
	v := n.take(name)
	if v.Type != gjson.True && v.Type != gjson.False {
		return false, malformed(n.what + "." + name)
	}
	return v.Bool(), nil
}

// list takes an array.
func (n *node) list(name string) ([]gjson.Result, error) {
	v := n.take(name)
	if !v.IsArray() {
		return nil, malformed(n.what + "." + name)
	}
	return v.Array(), nil
}

// absent reports whether a field says that its construct is not there: null,
// the empty string, an empty list, or false.
func absent(v gjson.Result) bool {
	switch v.Type {
	case gjson.Null, gjson.False:
		return true
	case gjson.String:
		return v.Str == ""
	case gjson.JSON:
		return v.IsArray() && len(v.Array()) == 0
	case gjson.True, gjson.Number:
	}
	return false
}

// without takes fields that stand for constructs which are not permitted, and
// refuses the first that is there.
func (w *walker) without(n *node, constructs ...construct) error {
	for _, c := range constructs {
		if v := n.take(c.field); !absent(v) {
			return c.refuse(cmp.Or(w.near(v), n.at()))
		}
	}
	return nil
}

// done refuses a node with a field that nobody has read.
func (n *node) done() error {
	if len(n.fields) == 0 {
		return nil
	}
	names := make([]string, 0, len(n.fields))
	for name := range n.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return construct{name: fmt.Sprintf("%s with %q", n.what, names[0])}.refuse(n.at())
}
