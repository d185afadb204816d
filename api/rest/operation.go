package rest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/noised/noised/api"
	"github.com/noised/noised/api/wire"
)

// operation is one entry of the document, and what the steps need to know of it.
type operation struct {
	id       string
	access   access
	route    *routers.Route
	maxBody  int64           // bytes of a body that is not streamed
	upload   bool            // the body is a file that is streamed
	raw      bool            // the body is not checked against a schema
	consumes []string        // media types of the body; none when there is no body
	produces []string        // media types of the answer, the default first
	json     []string        // query parameters that hold JSON
	query    map[string]bool // query parameters; true for those that may repeat
}

// operations indexes the document by method and path, as the router names them.
type operations map[string]*operation

// of returns the operation behind a route, nil when there is none.
func (o operations) of(method, path string) *operation { return o[method+" "+path] }

// loadDocument reads and checks the OpenAPI document and returns it as JSON.
func loadDocument(ctx context.Context) (*openapi3.T, []byte, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		return nil, nil, fmt.Errorf("rest: read the OpenAPI document: %w", err)
	}
	if err := doc.Validate(ctx); err != nil {
		return nil, nil, fmt.Errorf("rest: the OpenAPI document is not valid: %w", err)
	}
	text, err := doc.MarshalJSON()
	if err != nil {
		return nil, nil, fmt.Errorf("rest: write the OpenAPI document: %w", err)
	}
	return doc, text, nil
}

// newOperations prepares every operation of the document. It fails unless the
// access table has exactly one line for each.
func newOperations(doc *openapi3.T) (operations, error) {
	// The schemas use nothing that JSON Schema 2020-12 adds over OpenAPI 3.0, whose
	// validator runs on the document as it is; for a 3.1 document every request
	// would compile its schema anew, at twenty times the cost.
	doc.OpenAPI = "3.0.3"
	doc.Security = nil // authentication is a step of its own, before the body is read

	table := accessTable()
	out := operations{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			rule, ok := table[op.OperationID]
			if !ok {
				return nil, fmt.Errorf("rest: operation %q has no line in the access table", op.OperationID)
			}
			delete(table, op.OperationID)
			op.Security = nil
			out[method+" "+echoPath(path)] = newOperation(rule, &routers.Route{
				Spec: doc, Path: path, PathItem: item, Method: method, Operation: op,
			})
		}
	}
	if len(table) > 0 {
		return nil, fmt.Errorf("rest: the access table names operations that the document does not have: %v", slices.Sorted(maps.Keys(table)))
	}
	return out, nil
}

func newOperation(rule access, route *routers.Route) *operation {
	op := &operation{id: route.Operation.OperationID, access: rule, route: route, query: map[string]bool{}}
	op.maxBody = maxBody
	if op.id == "query" || op.id == "explain" {
		op.maxBody = maxQuery
	}
	op.upload = op.id == "createLoad"
	op.raw = op.upload || op.id == "createDataset"
	if body := route.Operation.RequestBody; body != nil {
		op.consumes = slices.Sorted(maps.Keys(body.Value.Content))
	}
	for status, response := range route.Operation.Responses.Map() {
		if strings.HasPrefix(status, "2") {
			op.produces = slices.AppendSeq(op.produces, maps.Keys(response.Value.Content))
		}
	}
	slices.SortFunc(op.produces, func(a, b string) int { return preference(a) - preference(b) })
	op.produces = slices.Compact(op.produces) // several statuses may have the same
	for _, p := range slices.Concat(route.PathItem.Parameters, route.Operation.Parameters) {
		if p.Value.In == openapi3.ParameterInQuery {
			if p.Value.Content != nil {
				op.json = append(op.json, p.Value.Name)
			}
			op.query[p.Value.Name] = p.Value.Schema != nil && p.Value.Schema.Value.Type.Is(openapi3.TypeArray)
		}
	}
	return op
}

// preference orders the forms of an answer; the first is the default.
func preference(mediaType string) int {
	return slices.Index([]string{wire.TypeArrow, wire.TypeCSV, wire.TypeJSON, wire.TypeReleaseInfo}, mediaType)
}

// echoPath turns /a/{b} into /a/:b.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}
