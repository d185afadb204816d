package rest

import (
	"testing"

	"github.com/noised/noised/api/rest/operation"
)

func TestEveryRouteIsAnOperation(t *testing.T) {
	doc, _, err := operation.Document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ops, err := operation.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes(handlers{}).Router().Routes() {
		if ops.Of(r.Method, r.Path) == nil {
			t.Errorf("%s %s is served but not in the document", r.Method, r.Path)
		}
		delete(ops, r.Method+" "+r.Path)
	}
	for route := range ops {
		t.Errorf("%s is in the document but not served", route)
	}
}
