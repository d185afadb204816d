//go:build governance

package suite

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/noised/noised/api/wire"
)

// operation is one of the served document, with its line of the table.
type operation struct {
	rule
	id, method, path string
	parameters       []string // of the path
	query            []string // those of texts
	required         []string // of the query
	text             *openapi3.Schema
	siblings         []string // methods of the other operations of the path, which are tried by themselves
}

// document reads what the running server says that it serves.
func (w *world) document() []*operation {
	w.t.Helper()
	a := w.send(&caller{client: w.client()}, request{method: http.MethodGet, path: "/v1/openapi.json"})
	doc, err := openapi3.NewLoader().LoadFromData([]byte(a.body))
	check(w.t, err)
	table := rules()
	var all []*operation
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			line, ok := table[o.OperationID]
			if !ok {
				w.t.Fatalf("%s %s (%s) has no line in the table", method, path, o.OperationID)
			}
			op := &operation{rule: line, id: o.OperationID, method: method, path: path}
			for other := range item.Operations() {
				op.siblings = append(op.siblings, other)
			}
			for _, p := range slices.Concat(item.Parameters, o.Parameters) {
				op.take(w.t, p.Value)
			}
			if o.RequestBody != nil {
				if op.media == "" {
					op.media = wire.TypeJSON
				}
				if of := o.RequestBody.Value.Content[wire.TypeJSON]; of != nil && op.media == wire.TypeJSON {
					op.text = of.Schema.Value
				}
			}
			all = append(all, op.calls()...)
		}
	}
	slices.SortFunc(all, func(a, b *operation) int { return strings.Compare(a.id, b.id) })
	return all
}

// calls are the operation by each of the paths that the table gives it.
func (o *operation) calls() []*operation {
	if o.as == nil {
		return []*operation{o}
	}
	var all []*operation
	for _, path := range o.as {
		c := *o
		c.path, c.parameters = path, nil
		for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
			c.parameters = append(c.parameters, m[1])
		}
		all = append(all, &c)
	}
	return all
}

func (o *operation) take(t testing.TB, p *openapi3.Parameter) {
	t.Helper()
	switch {
	case p.In == openapi3.ParameterInPath:
		o.parameters = append(o.parameters, p.Name)
	case p.In != openapi3.ParameterInQuery:
	case p.Schema != nil && p.Schema.Value.Type.Is(openapi3.TypeString) || p.Name == "tenants":
		o.query = append(o.query, p.Name)
	}
	if p.In == openapi3.ParameterInQuery && p.Required {
		o.required = append(o.required, p.Name)
	}
}

// names says what stands for the name of a thing in a request.
type names func(name string) string

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// fill puts values in the place of names in braces.
func (n names) fill(text string, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if v := n(strings.Trim(found, "{}")); v != "" {
			return escape(v)
		}
		return found
	})
}

func asItIs(s string) string { return s }

// request makes a call of the operation on the things that n names.
func (o *operation) request(n names) request {
	r := request{method: o.method, path: n.fill(o.path, url.PathEscape), body: n.fill(o.body, asItIs), header: http.Header{}}
	if o.body != "" {
		r.media = o.media
	}
	if o.id == "queryByURL" {
		r.path += "?" + url.Values{"sql": {n.fill("SELECT count(*) AS n FROM {dataset}", asItIs)}, "tenants": {n("tenant")}, "epsilon": {"0.5"}}.Encode()
	}
	return r
}

// with appends to the query of a request.
func (r request) with(name, value string) request {
	sep := "?"
	if strings.Contains(r.path, "?") {
		sep = "&"
	}
	r.path += sep + url.Values{name: {value}}.Encode()
	return r
}

// saying adds headers to a request.
func (r request) saying(header http.Header) request {
	r.header = r.header.Clone()
	for name, values := range header {
		r.header[name] = append(r.header[name], values...)
	}
	return r
}
