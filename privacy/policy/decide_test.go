package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func question(change ...func(*policy.Request)) policy.Request {
	r := policy.Request{
		Principal: privacy.Principal{ID: "key_1", Role: privacy.RoleAnalyst, Tenant: "a", Group: "lab"},
		Action:    "query", Resource: policy.Resource{Type: policy.TypeDataset, Name: "visits"}, Tenants: []string{"a", "b"}, At: monday, Region: "eu",
		Question: &policy.Question{Purpose: "research", Aggregates: []string{"count", "avg"}, Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9}},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

const all = `@id("all") permit (principal, action, resource); `

func TestDecide(t *testing.T) {
	at := func(s string) func(*policy.Request) {
		return func(r *policy.Request) { r.At, _ = time.Parse(time.RFC3339, s) }
	}
	loss := func(epsilon, delta float64) func(*policy.Request) {
		return func(r *policy.Request) { r.Question.Loss = privacy.Loss{Epsilon: epsilon, Delta: delta} }
	}
	tests := []struct {
		name    string
		text    string
		request policy.Request
		allowed bool
		by      []string
	}{
		{"nothing permits", `permit (principal, action == Action::"getRelease", resource);`, question(), false, nil},
		{"permitted", all, question(), true, []string{"all"}},
		{"forbid wins", all + `@id("no") forbid (principal, action, resource);`, question(), false, []string{"no"}},
		{"a group of actions", `@id("g") permit (principal, action in Action::"ask", resource);`, question(), true, []string{"g"}},
		{"a group of groups", `@id("g") permit (principal, action in [Action::"audit", Action::"question"], resource);`, question(), true, []string{"g"}},
		{"another action", `permit (principal, action == Action::"explain", resource);`, question(), false, nil},
		{"by purpose", all + `@id("p") forbid (principal, action in Action::"question", resource) unless { context.purpose == "audit" };`, question(), false, []string{"p"}},
		{"by group", `@id("lab") permit (principal, action, resource) when { principal.group == "lab" };`, question(), true, []string{"lab"}},
		{"by caller", `@id("me") permit (principal == Principal::"key_1", action, resource);`, question(), true, []string{"me"}},
		{"by dataset", `@id("d") permit (principal, action, resource == Dataset::"visits");`, question(), true, []string{"d"}},
		{"by another dataset", `permit (principal, action, resource == Dataset::"other");`, question(), false, nil},
		{"by region", all + `@id("r") forbid (principal, action, resource) when { context.region != "us" };`, question(), false, []string{"r"}},
		{"by aggregate", all + `@id("avg") forbid (principal, action in Action::"question", resource) when { context.aggregates.contains("avg") };`, question(), false, []string{"avg"}},
		{"by allowed aggregates", `@id("c") permit (principal, action in Action::"question", resource) when { ["count", "avg"].containsAll(context.aggregates) };`, question(), true, []string{"c"}},
		{"by tenants", all + `@id("b") forbid (principal, action, resource) when { context.tenants.contains("b") };`, question(), false, []string{"b"}},
		{"by own tenant", all + `@id("own") forbid (principal, action, resource) unless { context.tenants == [principal.tenant] };`, question(), false, []string{"own"}},
		{"ε at a limit", `@id("e") permit (principal, action in Action::"question", resource) when { context.epsilon.lessThanOrEqual(decimal("0.1")) };`, question(), true, []string{"e"}},
		{"ε just above it", `permit (principal, action in Action::"question", resource) when { context.epsilon.lessThanOrEqual(decimal("0.1")) };`, question(loss(0.1000001, 0)), false, nil},
		{"a tiny ε is not zero", all + `@id("z") forbid (principal, action in Action::"question", resource) when { context.epsilon.greaterThan(decimal("0.0")) };`, question(loss(1e-6, 0)), false, []string{"z"}},
		{"the largest ε", all + `@id("z") forbid (principal, action in Action::"question", resource) when { context.epsilon.greaterThan(decimal("1.0")) };`, question(loss(privacy.MaxEpsilon, 0)), false, []string{"z"}},
		{"no number at all", all + `@id("z") forbid (principal, action in Action::"question", resource) when { context.epsilon.greaterThan(decimal("1.0")) };`, question(loss(1e300, 0)), false, []string{"z"}},
		{"by δ", all + `@id("d") forbid (principal, action in Action::"question", resource) when { context.delta_trillionths > 999 };`, question(), false, []string{"d"}},
		{"δ at a limit", all + `forbid (principal, action in Action::"question", resource) when { context.delta_trillionths > 1000 };`, question(), true, []string{"all"}},
		{"by hour", all + `@id("h") forbid (principal, action, resource) when { context.hour < 6 || context.hour >= 20 };`, question(at("2026-03-02T21:30:00Z")), false, []string{"h"}},
		{"by hour elsewhere", all + `@id("h") forbid (principal, action, resource) when { context.hour != 10 };`, question(at("2026-03-02T12:30:00+02:00")), true, []string{"all"}},
		{"on Sundays", all + `@id("s") forbid (principal, action, resource) when { context.weekday == 7 };`, question(at("2026-03-01T12:00:00Z")), false, []string{"s"}},
		{"on Mondays", all + `@id("m") forbid (principal, action, resource) when { context.weekday == 1 };`, question(), false, []string{"m"}},
		{"until a time", `@id("u") permit (principal, action, resource) when { context.unix < 1900000000 };`, question(), true, []string{"u"}},
		{"a forbid that fails", all + `@id("f") forbid (principal, action, resource) when { 9223372036854775807 + context.hour > 0 };`, question(), false, []string{"f"}},
		{"a permit that fails", `permit (principal, action, resource) when { 9223372036854775807 + context.hour > 0 };`, question(), false, nil},
		{"a question without a plan", all, question(func(r *policy.Request) { r.Question = nil }), false, nil},
		{"an action that is a group", all, question(func(r *policy.Request) { r.Action = "ask" }), false, nil},
		{"an unknown action", all, question(func(r *policy.Request) { r.Action = "fly" }), false, nil},
		{"an unknown role", all, question(func(r *policy.Request) { r.Principal.Role = "god" }), false, nil},
		{"another type of resource", all, question(func(r *policy.Request) { r.Resource.Type = policy.TypeSystem }), false, nil},
	}
	for _, tt := range tests {
		d := parse(t, tt.text).Decide(tt.request)
		if d.Allowed != tt.allowed || !slices.Equal(d.Policies, tt.by) {
			t.Errorf("%s: %+v, want allowed %v by %v", tt.name, d, tt.allowed, tt.by)
		}
		if (d.Err() == nil) != tt.allowed || !tt.allowed && privacy.CodeOf(d.Err()) != privacy.CodeForbidden {
			t.Errorf("%s: the refusal is %v", tt.name, d.Err())
		}
	}
}

func TestRegionsOfTenants(t *testing.T) {
	set := parse(t, `@id("eu") permit (principal, action, resource is Tenant) when { resource.region == "eu" };`)
	r := policy.Request{Principal: privacy.Principal{ID: "o", Role: privacy.RoleOperator}, Action: "updateTenant", Resource: policy.Resource{Type: policy.TypeTenant, Name: "a", Region: "eu"}}
	if !set.Decide(r).Allowed {
		t.Error("a tenant of the region is denied")
	}
	r.Resource.Region = ""
	if set.Decide(r).Allowed {
		t.Error("a tenant of no region is permitted")
	}
}

// TestRefusalsNameWhatMayBeNamed: an @id is for others to read, a file's name is
// not.
func TestRefusalsNameWhatMayBeNamed(t *testing.T) {
	for text, says := range map[string]string{
		all + `@id("no-export") forbid (principal, action, resource);`:                                        `the policy "no-export" forbids this`,
		all + `forbid (principal, action, resource);`:                                                         `a policy forbids this`,
		all + `forbid (principal, action, resource); @id("x") forbid (principal, action, resource);`:          `the policy "x" forbids this`,
		all + `@id("x") forbid (principal, action, resource); @id("y") forbid (principal, action, resource);`: `the policies ["x" "y"] forbid this`,
		`permit (principal, action, resource) when { context.hour == 3 };`:                                    `no policy permits this`,
	} {
		err := parse(t, text).Decide(question()).Err()
		if e := privacy.AsError(err); e == nil || e.Message != says {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestMight(t *testing.T) {
	analyst := question().Principal
	tests := map[string]bool{
		all: true,
		`permit (principal, action in Action::"question", resource) when { context.purpose == "x" };`:        true,
		`permit (principal, action, resource == Dataset::"other");`:                                          true, // it may be asked of that
		`permit (principal, action, resource) when { principal.role == "operator" };`:                        false,
		`permit (principal, action == Action::"explain", resource);`:                                         false,
		all + `forbid (principal, action, resource) when { principal.group == "lab" };`:                      false,
		all + `forbid (principal, action, resource == Dataset::"visits");`:                                   true,
		all + `forbid (principal, action, resource is Dataset);`:                                             true, // decided when it is known
		all + `forbid (principal, action, resource) when { principal.group == "lab" && context.hour < 25 };`: true,
		all + `forbid (principal, action, resource) unless { principal.group == "lab" };`:                    true,
	}
	for text, want := range tests {
		if d := parse(t, text).Might(analyst, "query"); d.Allowed != want {
			t.Errorf("%s: %+v, want %v", text, d, want)
		}
	}
	if parse(t, all).Might(analyst, "getRelease").Allowed {
		t.Error("what is no question was allowed for ever")
	}
}

// drawPolicy returns a policy that a set may have: a condition that can never hold
// is a fault, and another one is drawn in its place.
func drawPolicy(t *rapid.T, schema *policy.Schema) string {
	return rapid.Custom(writePolicy).Filter(func(text string) bool {
		_, err := policy.Parse(schema, policy.Files{"p.cedar": text})
		return err == nil
	}).Draw(t, "policy")
}

// writePolicy writes a policy about everything that requests differ in.
func writePolicy(t *rapid.T) string {
	pick := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "part") }
	condition := func() string {
		return pick(`principal.role == "analyst"`, `principal.tenant == "a"`, `principal.group == ""`, `context.hour < 12`, `context.purpose == "p"`,
			`context.epsilon.greaterThan(decimal("0.5"))`, `context.aggregates.contains("sum")`, `context.tenants.contains("a")`, `resource.name == "d"`,
			`9223372036854775807 + context.hour > 0`, `true`, `false`)
	}
	b := pick("permit", "permit", "forbid") + " (" + pick("principal", `principal == Principal::"k"`, "principal is Principal") + ", " +
		pick(`action in Action::"question"`, `action == Action::"query"`, `action == Action::"explain"`, `action in [Action::"query", Action::"explain"]`) + ", " +
		pick("resource", "resource is Dataset", `resource == Dataset::"d"`) + ")"
	if rapid.Bool().Draw(t, "conditional") {
		b += " " + pick("when", "unless") + " { " + condition() + pick(" && ", " || ") + pick("", "!") + "(" + condition() + ") }"
	}
	return b + ";\n"
}

func drawRequest(t *rapid.T) policy.Request {
	pick := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "value") }
	return policy.Request{
		Principal: privacy.Principal{ID: pick("k", "l"), Role: rapid.SampledFrom(privacy.Roles()).Draw(t, "role"), Tenant: pick("", "a"), Group: pick("", "g")},
		Action:    pick("query", "explain"), Resource: policy.Resource{Type: policy.TypeDataset, Name: pick("d", "e")},
		Tenants: []string{pick("a", "b")}, At: time.Unix(rapid.Int64Range(0, 1e6).Draw(t, "at"), 0),
		Question: &policy.Question{Purpose: pick("", "p"), Aggregates: []string{pick("sum", "count")}, Loss: privacy.Loss{Epsilon: rapid.Float64Range(0.001, 2).Draw(t, "epsilon")}},
	}
}

// TestMightDeniesNothingThatDecideAllows: turning callers away early changes no
// decision.
func TestMightDeniesNothingThatDecideAllows(t *testing.T) {
	schema := newSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for range rapid.IntRange(1, 5).Draw(t, "policies") {
			text.WriteString(drawPolicy(t, schema))
		}
		set, err := policy.Parse(schema, policy.Files{"p.cedar": text.String()})
		if err != nil {
			t.Fatal(err)
		}
		r := drawRequest(t)
		if d := set.Decide(r); d.Allowed && !set.Might(r.Principal, r.Action).Allowed {
			t.Fatalf("%+v is allowed by %v, but was turned away\n%s", r, d.Policies, text.String())
		}
	})
}

// TestForbidsOnlyNarrow: whatever a set permits, one more forbid permits no more.
func TestForbidsOnlyNarrow(t *testing.T) {
	schema := newSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		text := drawPolicy(t, schema) + drawPolicy(t, schema)
		forbid := "forbid" + strings.TrimPrefix(strings.TrimPrefix(drawPolicy(t, schema), "permit"), "forbid")
		less, err := policy.Parse(schema, policy.Files{"p.cedar": text})
		if err != nil {
			t.Fatal(err)
		}
		more, err := policy.Parse(schema, policy.Files{"p.cedar": text, "q.cedar": forbid})
		if err != nil {
			t.Fatal(err)
		}
		if r := drawRequest(t); more.Decide(r).Allowed && !less.Decide(r).Allowed {
			t.Fatalf("a forbid permitted %+v", r)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	set, err := policy.Parse(newSchema(b), policy.Defaults())
	if err != nil {
		b.Fatal(err)
	}
	r := question()
	for b.Loop() {
		if !set.Decide(r).Allowed {
			b.Fatal("denied")
		}
	}
}

func BenchmarkMight(b *testing.B) {
	set, err := policy.Parse(newSchema(b), policy.Defaults())
	if err != nil {
		b.Fatal(err)
	}
	p := question().Principal
	for b.Loop() {
		if !set.Might(p, "query").Allowed {
			b.Fatal("denied")
		}
	}
}
