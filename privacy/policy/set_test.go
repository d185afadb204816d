package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// operations are a few of each kind.
var operations = []policy.Operation{
	{ID: "query", Roles: []privacy.Role{privacy.RoleAnalyst}, Resource: policy.TypeDataset, Question: true},
	{ID: "explain", Roles: []privacy.Role{privacy.RoleAnalyst}, Resource: policy.TypeDataset, Question: true},
	{ID: "getRelease", Roles: []privacy.Role{privacy.RoleAnalyst}, Resource: policy.TypeSystem},
	{ID: "createLoad", Roles: []privacy.Role{privacy.RoleContributor, privacy.RoleOperator}, Resource: policy.TypeDataset},
	{ID: "updateTenant", Roles: []privacy.Role{privacy.RoleOperator}, Resource: policy.TypeTenant},
	{ID: "putPolicies", Roles: []privacy.Role{privacy.RoleOperator}, Resource: policy.TypeSystem},
	{ID: "listCharges", Roles: []privacy.Role{privacy.RoleBudgetAdmin, privacy.RoleAuditor}, Resource: policy.TypeTenant},
}

func newSchema(t testing.TB) *policy.Schema {
	t.Helper()
	s, err := policy.NewSchema(operations)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t testing.TB, text string) *policy.Set {
	t.Helper()
	set, err := policy.Parse(newSchema(t), policy.Files{"p.cedar": text})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestSetsThatDoNotHold(t *testing.T) {
	schema := newSchema(t)
	tests := map[string]struct {
		text string
		line int
		says string
	}{
		"nothing":                         {"", 0, "no policy"},
		"a comment":                       {"// nothing", 0, "no policy"},
		"half a policy":                   {"permit (principal,\naction", 2, "does not parse"},
		"an unknown action":               {`permit (principal, action == Action::"fly", resource);`, 1, `Action::"fly"`},
		"an unknown group":                {"\n" + `permit (principal, action in Action::"fly", resource);`, 2, `Action::"fly"`},
		"an unknown attribute":            {`permit (principal, action, resource) when { principal.shoe == "x" };`, 1, "shoe"},
		"an unknown context":              {`permit (principal, action, resource) when { context.mood == "x" };`, 1, "mood"},
		"an unknown type":                 {`permit (principal is Robot, action, resource);`, 1, "Robot"},
		"a call's ε":                      {`permit (principal, action == Action::"getRelease", resource) when { context.epsilon.lessThan(decimal("1.0")) };`, 1, "epsilon"},
		"a number and a text":             {`permit (principal, action, resource) when { context.hour == "ten" };`, 1, "not compatible"},
		"a resource that it is not about": {`permit (principal, action == Action::"query", resource is Tenant);`, 1, "applicable"},
		"a template":                      {`permit (principal == ?principal, action, resource);`, 1, "does not parse"},
		"an id twice":                     {"@id(\"a\") permit (principal, action, resource);\n@id(\"a\") forbid (principal, action, resource);", 2, "twice"},
		"an id that is a place":           {`@id("p.cedar:1:1") permit (principal, action, resource);`, 1, "an @id is"},
		"too deep":                        {"\npermit (principal, action, resource) when { " + strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100) + " };", 2, "nested"},
		"a chain":                         {"permit (principal, action, resource) when { context has a" + strings.Repeat(".a", 300) + " };", 1, "dots"},
		"too long":                        {"//" + strings.Repeat(" ", policy.MaxBytes), 0, "bytes"},
		"too many":                        {strings.Repeat("permit (principal, action, resource);", policy.MaxPolicies+1), 0, "policies"},
		"not UTF-8":                       {"// \xff", 0, "UTF-8"},
	}
	for name, tt := range tests {
		_, err := policy.Parse(schema, policy.Files{"p.cedar": tt.text})
		e := privacy.AsError(err)
		if e == nil || e.Code != privacy.CodeInvalidRequest || !strings.Contains(e.Message, tt.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, tt.says)
			continue
		}
		if tt.line > 0 && (e.Problems[0].Line != tt.line || e.Problems[0].Field != "p.cedar") {
			t.Errorf("%s: at %+v, want line %d", name, e.Problems[0], tt.line)
		}
	}
	if _, err := policy.Parse(schema, nil); err == nil {
		t.Error("no file is a set")
	}
	if _, err := policy.Parse(schema, policy.Files{"../x": "permit (principal, action, resource);"}); err == nil {
		t.Error("a path is a file's name")
	}
}

func TestEveryFaultIsListed(t *testing.T) {
	_, err := policy.Parse(newSchema(t), policy.Files{
		"b.cedar": "permit (principal, action == Action::\"x\", resource);\n\npermit (principal, action == Action::\"y\", resource);",
		"a.cedar": "permit (",
	})
	e := privacy.AsError(err)
	var places []string
	for _, p := range e.Problems {
		places = append(places, p.Field)
	}
	if len(places) < 3 || places[0] != "a.cedar" || !slices.Contains(places, "b.cedar") || !strings.Contains(e.Message, "more fault") {
		t.Errorf("%v: %+v", err, e.Problems)
	}
}

func TestPoliciesAreNamedByIDOrPlace(t *testing.T) {
	set, err := policy.Parse(newSchema(t), policy.Files{
		"b.cedar": `@id("second") permit (principal, action, resource);`,
		"a.cedar": "\npermit (principal, action, resource);  permit (principal, action, resource);",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := set.IDs(), []string{"a.cedar:2:1", "a.cedar:2:40", "second"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestDefaultsHold(t *testing.T) {
	set, err := policy.Parse(newSchema(t), policy.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		for _, role := range privacy.Roles() {
			r := policy.Request{
				Principal: privacy.Principal{ID: "k", Role: role, Tenant: "a"}, Action: op.ID, Resource: policy.Resource{Type: op.Resource, Name: "x"},
			}
			if op.Question {
				r.Question = &policy.Question{}
			}
			may := slices.Contains(op.Roles, role)
			if d := set.Decide(r); may && !d.Allowed {
				t.Errorf("the defaults deny %s to the role %s, which the access table admits", op.ID, role)
			}
		}
	}
}
