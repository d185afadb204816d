package operation

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

// Operation is one entry of the document, and what the steps need to know of it.
type Operation struct {
	ID       string
	Access   Access
	Route    *routers.Route
	MaxBody  int64           // bytes of a body that is not streamed
	Probe    bool            // for machines that watch the server
	Upload   bool            // the body is a file that is streamed
	Raw      bool            // the body is not checked against a schema
	Consumes []string        // media types of the body; none when there is no body
	Produces []string        // media types of the answer, the default first
	JSON     []string        // query parameters that hold JSON
	Query    map[string]bool // query parameters; true for those that may repeat
}

// Index holds the operations of the document by method and path, as the router
// names them.
type Index map[string]*Operation

// Of returns the operation behind a route, nil when there is none.
func (x Index) Of(method, path string) *Operation { return x[method+" "+path] }

// The largest bodies of requests that are not uploads. That of a query holds its
// SQL in the longest spelling that JSON has for it, and a few thousand tenants.
const (
	MaxBody  = 1 << 20
	MaxQuery = 256 << 10
)

// Document reads and checks the OpenAPI document and returns it as JSON.
func Document(ctx context.Context) (*openapi3.T, []byte, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		return nil, nil, fmt.Errorf("operation: read the OpenAPI document: %w", err)
	}
	if err := doc.Validate(ctx); err != nil {
		return nil, nil, fmt.Errorf("operation: the OpenAPI document is not valid: %w", err)
	}
	text, err := doc.MarshalJSON()
	if err != nil {
		return nil, nil, fmt.Errorf("operation: write the OpenAPI document: %w", err)
	}
	return doc, text, nil
}

// New prepares every operation of the document. It fails unless the access table
// has exactly one line for each.
func New(doc *openapi3.T) (Index, error) {
	// The schemas use nothing that JSON Schema 2020-12 adds over OpenAPI 3.0, whose
	// validator runs on the document as it is; for a 3.1 document every request
	// would compile its schema anew, at twenty times the cost.
	doc.OpenAPI = "3.0.3"
	doc.Security = nil // authentication is a step of its own, before the body is read

	table := accessTable()
	out := Index{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			rule, ok := table[op.OperationID]
			if !ok {
				return nil, fmt.Errorf("operation: operation %q has no line in the access table", op.OperationID)
			}
			delete(table, op.OperationID)
			op.Security = nil
			out[method+" "+echoPath(path)] = newOperation(rule, &routers.Route{
				Spec: doc, Path: path, PathItem: item, Method: method, Operation: op,
			})
		}
	}
	if len(table) > 0 {
		return nil, fmt.Errorf("operation: the access table names operations that the document does not have: %v", slices.Sorted(maps.Keys(table)))
	}
	return out, nil
}

func newOperation(rule Access, route *routers.Route) *Operation {
	op := &Operation{ID: route.Operation.OperationID, Access: rule, Route: route, Query: map[string]bool{}}
	op.MaxBody = MaxBody
	if op.ID == "query" || op.ID == "explain" {
		op.MaxBody = MaxQuery
	}
	op.Probe = slices.Contains(route.Operation.Tags, "probes")
	op.Upload = op.ID == "createLoad"
	op.Raw = op.Upload || op.ID == "createDataset"
	if body := route.Operation.RequestBody; body != nil {
		op.Consumes = slices.Sorted(maps.Keys(body.Value.Content))
	}
	for status, response := range route.Operation.Responses.Map() {
		if strings.HasPrefix(status, "2") {
			op.Produces = slices.AppendSeq(op.Produces, maps.Keys(response.Value.Content))
		}
	}
	slices.SortFunc(op.Produces, func(a, b string) int { return preference(a) - preference(b) })
	op.Produces = slices.Compact(op.Produces) // several statuses may have the same
	for _, p := range slices.Concat(route.PathItem.Parameters, route.Operation.Parameters) {
		if p.Value.In == openapi3.ParameterInQuery {
			if p.Value.Content != nil {
				op.JSON = append(op.JSON, p.Value.Name)
			}
			op.Query[p.Value.Name] = p.Value.Schema != nil && p.Value.Schema.Value.Type.Is(openapi3.TypeArray)
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
