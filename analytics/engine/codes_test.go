package engine

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
)

// Codes are read where every segment that has the column stores those of just the
// values that the key has declared.
func TestWhichKeysAreCoded(t *testing.T) {
	text := plan.Of(plan.KindVarchar)
	values := []plan.Value{plan.StringValue("a"), plan.StringValue("")}
	codes := map[string]string{"k": plan.CodesOf(values)}
	other := map[string]string{"k": plan.CodesOf(values[:1])}
	at := func(alias string) plan.Expr { return &plan.Column{Qualifier: alias, Name: "k", Type: text} }
	key := func(e plan.Expr, domain ...plan.Value) plan.Key {
		return plan.Key{Column: "k", Expr: e, Type: text, Domain: domain}
	}
	joined := []plan.Source{{Table: "buy", Alias: "b"}, {Table: "town", Alias: "t", Public: true}}
	for _, tt := range []struct {
		name     string
		sources  []plan.Source
		key      plan.Key
		segments []Segment
		want     bool
	}{
		{"a declared text", nil, key(nil, values...), []Segment{{Tenant: "a", Codes: codes}, {Tenant: "b", Codes: codes}}, true},
		{"nothing loaded", nil, key(column("k"), values...), nil, true},
		{"a segment without codes", nil, key(column("k"), values...), []Segment{{Tenant: "a", Codes: codes}, {Tenant: "b"}}, false},
		{"a segment with those of another column", nil, key(nil, values...), []Segment{{Tenant: "a", Codes: map[string]string{"j": codes["k"]}}}, false},
		{"a segment with those of other values", nil, key(nil, values...), []Segment{{Tenant: "a", Codes: codes}, {Tenant: "a", Codes: other}}, false},
		{"values in another order", nil, key(nil, values[1], values[0]), []Segment{{Tenant: "a", Codes: codes}}, false},
		{"NULL in the place of an empty text", nil, key(nil, values[0], plan.Null(text)), []Segment{{Tenant: "a", Codes: codes}}, false},
		{"a secret key", nil, key(nil), []Segment{{Tenant: "a", Codes: codes}}, false},
		{"a key that is computed", nil, key(call("lower", column("k")), values...), []Segment{{Tenant: "a", Codes: codes}}, false},
		{"the tenant", nil, plan.Key{Column: plan.TenantColumn, Type: text, Domain: values}, nil, false},
		{"a key of a private table", joined, key(at("b"), values...), []Segment{{Tenant: "a", Table: "buy", Codes: codes}, {Table: "town"}}, true},
		{"a key of a public table", joined, key(at("t"), values...), []Segment{{Tenant: "a", Table: "buy"}, {Table: "town", Codes: codes}}, true},
		{"a public table without codes", joined, key(at("t"), values...), []Segment{{Tenant: "a", Table: "buy", Codes: codes}, {Table: "town"}}, false},
		{"a key of no table", joined, key(at("x"), values...), nil, false},
	} {
		p := &plan.Bound{Tenants: []string{"a", "b"}, Sources: tt.sources, Keys: []plan.Key{tt.key}}
		if got := Coded(p, tt.key, tt.segments); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
		p.Keys[0].Coded = true
		if err := (Input{Plan: p, Segments: tt.segments}).checkCodes(); (err == nil) != tt.want {
			t.Errorf("%s, read all the same: %v", tt.name, err)
		}
	}
}
