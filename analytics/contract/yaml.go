package contract

import (
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

// Limits that keep the YAML parser's work small: it recurses by nesting, and
// takes time quadratic in the entries of a mapping.
const (
	maxNesting = 32
	maxEntries = 5000
)

// node is a YAML node as far as a contract needs it: no tags, anchors, merges
// or comments, and scalars as their text.
type node struct {
	kind   nodeKind
	line   int
	text   string // scalars
	quoted bool   // scalars: written in quotes or as a block, so it is text
	items  []*node
	keys   []key // mappings: keys[i] belongs to items[i]
}

type key struct {
	name string
	line int
}

type nodeKind uint8

const (
	kindScalar nodeKind = iota
	kindSequence
	kindMapping
)

// parseYAML reads one YAML document. It returns nil for an empty one.
func parseYAML(doc []byte) (root *node, problem *privacy.Problem) {
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

func convert(n ast.Node) (*node, *privacy.Problem) {
	out := &node{line: lineOf(n)}
	switch n := n.(type) {
	case *ast.MappingNode:
		return out, out.mapping(n.Values)
	case *ast.MappingValueNode:
		return out, out.mapping([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out.kind = kindSequence
		for _, v := range n.Values {
			item, p := convert(v)
			if p != nil {
				return nil, p
			}
			out.items = append(out.items, item)
		}
	case *ast.StringNode:
		out.text = n.Value
		out.quoted = n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		out.text, out.quoted = n.Value.Value, true
	case *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.text = n.GetToken().Value
	default:
		return nil, &privacy.Problem{Line: out.line, Message: "this YAML construct is not supported"}
	}
	return out, nil
}

func (n *node) mapping(values []*ast.MappingValueNode) *privacy.Problem {
	n.kind = kindMapping
	for _, v := range values {
		k, p := convert(v.Key)
		if p != nil {
			return p
		}
		item, p := convert(v.Value)
		if p != nil {
			return p
		}
		n.keys = append(n.keys, key{name: k.text, line: k.line})
		n.items = append(n.items, item)
	}
	if len(n.keys) > 0 {
		n.line = n.keys[0].line
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
