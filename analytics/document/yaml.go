// Package document reads the YAML or JSON document of a contract: into nodes that know
// their lines, and from these into texts, numbers and lists, with every problem that the
// document has. It knows no field of a contract. A document cannot make it work for
// longer than its size allows.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/noised/noised/privacy"
)

// MaxSize is the size in bytes of the largest document.
const MaxSize = 1 << 20

// Limits that keep the YAML parser's work small: it recurses by nesting, and
// takes time quadratic in the entries of a mapping.
const (
	maxNesting = 32
	maxEntries = 5000
)

// Node is a YAML node as far as a contract needs it: no tags, anchors, merges
// or comments, and scalars as their text.
type Node struct {
	Kind   Kind
	Line   int
	Text   string // scalars
	Quoted bool   // scalars: written in quotes or as a block, so it is text
	Items  []*Node
	Keys   []Key // mappings: Keys[i] belongs to Items[i]
}

// Key is a key of a mapping.
type Key struct {
	Name string
	Line int
}

// Kind is what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Sequence
	Mapping
)

// Open reads a document. It returns no node where the document has a problem as a whole,
// which the reader has noted then.
func Open(doc []byte) (*Node, *Reader) {
	r := &Reader{}
	if len(doc) > MaxSize {
		r.Problem(0, "", "the document is larger than %d bytes", MaxSize)
		return nil, r
	}
	root, problem := parseYAML(bytes.TrimPrefix(doc, []byte("\ufeff")))
	switch {
	case problem != nil:
		r.problems = append(r.problems, *problem)
	case root == nil:
		r.Problem(1, "", "the document is empty")
	default:
		return root, r
	}
	return nil, r
}

// parseYAML reads one YAML  It returns nil for an empty one.
func parseYAML(doc []byte) (root *Node, problem *privacy.Problem) {
	if !utf8.Valid(doc) {
		return nil, &privacy.Problem{Message: "the document is not valid UTF-8"}
	}
	// The parser is known to panic on some malformed documents. One that it
	// cannot read is not a contract, whatever the way it says so.
	defer func() {
		if recover() != nil {
			root, problem = nil, &privacy.Problem{Message: "the document is not valid YAML"}
		}
	}()
	tokens := lexer.Tokenize(string(doc))
	if p := checkTokens(tokens); p != nil {
		return nil, p
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxProblem(err)
	}
	bodies := make([]ast.Node, 0, 1)
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return nil, nil
	case 1:
		return convert(bodies[0])
	default:
		return nil, &privacy.Problem{Line: lineOf(bodies[1]), Message: "one document only: put every contract in a file of its own"}
	}
}

// checkTokens refuses, before anything is built from it, what a contract has
// no use for and what could make a short document grow: anchors and aliases,
// tags, directives, deep nesting, very many entries.
func checkTokens(tokens token.Tokens) *privacy.Problem {
	var open []token.Type
	entries := 0
	for _, t := range tokens {
		refuse := func(format string, args ...any) *privacy.Problem {
			return &privacy.Problem{Line: t.Position.Line, Message: fmt.Sprintf(format, args...)}
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return refuse("anchors, aliases and merge keys are not supported: write the value out")
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			return refuse("tags, directives and complex keys are not supported")
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, t.Type)
		case token.SequenceEndType, token.MappingEndType:
			open = open[:max(0, len(open)-1)]
		case token.MappingValueType:
			entries++
		case token.CollectEntryType: // {a, b} has entries without a colon
			if len(open) > 0 && open[len(open)-1] == token.MappingStartType {
				entries++
			}
		case token.SequenceEntryType: // "- - - -" nests on one line
			if t.Position.Column > 4*maxNesting {
				return refuse("nested too deeply")
			}
		default:
		}
		if len(open) > maxNesting {
			return refuse("nested too deeply")
		}
		if entries > maxEntries {
			return refuse("more than %d fields", maxEntries)
		}
	}
	return nil
}

func syntaxProblem(err error) *privacy.Problem {
	p := &privacy.Problem{Message: "the document is not valid YAML"}
	var yamlErr yaml.Error
	if errors.As(err, &yamlErr) {
		p.Message += ": " + yamlErr.GetMessage()
		if t := yamlErr.GetToken(); t != nil && t.Position != nil {
			p.Line = t.Position.Line
		}
	}
	return p
}

func convert(n ast.Node) (*Node, *privacy.Problem) {
	out := &Node{Line: lineOf(n)}
	switch n := n.(type) {
	case *ast.MappingNode:
		return out, out.mapping(n.Values)
	case *ast.MappingValueNode:
		return out, out.mapping([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out.Kind = Sequence
		for _, v := range n.Values {
			item, p := convert(v)
			if p != nil {
				return nil, p
			}
			out.Items = append(out.Items, item)
		}
	case *ast.StringNode:
		out.Text = n.Value
		out.Quoted = n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		out.Text, out.Quoted = n.Value.Value, true
	case *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.Text = n.GetToken().Value
	default:
		return nil, &privacy.Problem{Line: out.Line, Message: "this YAML construct is not supported"}
	}
	return out, nil
}

func (n *Node) mapping(values []*ast.MappingValueNode) *privacy.Problem {
	n.Kind = Mapping
	for _, v := range values {
		k, p := convert(v.Key)
		if p != nil {
			return p
		}
		item, p := convert(v.Value)
		if p != nil {
			return p
		}
		n.Keys = append(n.Keys, Key{Name: k.Text, Line: k.Line})
		n.Items = append(n.Items, item)
	}
	if len(n.Keys) > 0 {
		n.Line = n.Keys[0].Line
	}
	return nil
}

func lineOf(n ast.Node) int {
	if n == nil {
		return 0
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
