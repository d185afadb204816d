package policy_test

import (
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// FuzzParse: no text makes the loader panic, and what it admits decides without a
// panic, the same way each time.
func FuzzParse(f *testing.F) {
	f.Add(policy.Defaults()[policy.DefaultFile])
	f.Add(all + `@id("no") forbid (principal, action, resource) unless { context has purpose && context.purpose like "a*" };`)
	f.Add(`permit (principal, action, resource) when { if principal has tenant then [1, 2].contains(context.hour) else {a: {b: -1}}["a"].b == --1 };`)
	f.Add(`permit (principal is Principal in Principal::"x", action, resource) when { datetime("2024-01-01") < datetime("2025-01-01") || ip("1.2.3.4").isLoopback() };`)
	f.Add("permit(principal,action,resource)when{((((((((true))))))))};")
	schema := newSchema(f)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := policy.Parse(schema, policy.Files{"p.cedar": text})
		if err != nil {
			if privacy.CodeOf(err) != privacy.CodeInvalidRequest {
				t.Fatalf("a text is refused with %v", err)
			}
			return
		}
		r := question()
		d := set.Decide(r)
		if again := set.Decide(r); again.Allowed != d.Allowed || len(again.Policies) != len(d.Policies) {
			t.Fatalf("%+v, then %+v", d, again)
		}
		if d.Allowed && (len(d.Policies) == 0 || !set.Might(r.Principal, r.Action).Allowed) {
			t.Fatalf("%+v was turned away", d)
		}
		if _, err := policy.Parse(schema, set.Files()); err != nil {
			t.Fatalf("what was admitted is refused: %v", err)
		}
	})
}
