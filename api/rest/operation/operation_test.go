package operation

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestNoOperationIsForgotten: a document and an access table that differ, by an
// operation too many in either, start no server.
func TestNoOperationIsForgotten(t *testing.T) {
	for what, change := range map[string]func(*openapi3.T){
		"is in both":            func(*openapi3.T) {},
		"has no line":           func(doc *openapi3.T) { doc.Paths.Find("/healthz").Get.OperationID = "getSecrets" },
		"has lost its document": func(doc *openapi3.T) { doc.Paths.Delete("/v1/log/key") },
	} {
		doc, _, err := Document(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		change(doc)
		all, err := New(doc)
		if good := what == "is in both"; good != (err == nil) || good && len(all) < 60 {
			t.Errorf("an operation %s: %d operations, %v", what, len(all), err)
		}
	}
}

// TestWhatIsPublic: without a key nothing is served but probes, and what the log
// hashes and signs.
func TestWhatIsPublic(t *testing.T) {
	doc, _, err := Document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := New(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range all {
		if op.Access.Public != (len(op.Access.Roles) == 0) {
			t.Errorf("%s is public: %v, and for %v", op.ID, op.Access.Public, op.Access.Roles)
		}
		if op.Access.Public && !op.Probe && !strings.HasPrefix(op.Route.Path, "/v1/log/") {
			t.Errorf("%s is public", op.ID)
		}
		if op.Access.own && !strings.Contains(op.Route.Path, "{tenant}") {
			t.Errorf("%s is for the caller's own tenant, which its path does not name", op.ID)
		}
	}
}
