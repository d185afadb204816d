package residency_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
)

// TestServe: names are compared in one form, and whoever names regions serves no
// tenant of none.
func TestServe(t *testing.T) {
	for _, c := range []struct {
		regions []string
		region  string
		want    bool
	}{
		{nil, "", true},
		{nil, "eu", true},
		{nil, "Anything, anywhere", true},
		{[]string{"eu", "ch"}, "eu", true},
		{[]string{"eu", "ch"}, "CH", true},
		{[]string{" EU  West "}, "eu west", true},
		{[]string{"eu-west"}, "Eu West", true},
		{[]string{"eu-west"}, "eu_west", false},
		{[]string{"eu"}, "eu-west", false},
		{[]string{"eu"}, "us", false},
		{[]string{"eu"}, "", false},
		{[]string{"eu"}, "eu/1.2", false},
		{[]string{"eu"}, "ＥＵ", false},
		{[]string{"eu-west"}, "eu\nwest", false},
		{[]string{"all"}, "", true},
		{[]string{"all"}, "eu", true},
		{[]string{"eu"}, "all", false},
	} {
		r, err := residency.Of(c.regions)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Serve(c.region); got != c.want {
			t.Errorf("a server of %v serves %q: %v, want %v", c.regions, c.region, got, c.want)
		}
	}
}

// TestNonsenseServesNothing: a list with something that is no name is refused, not
// taken for a shorter one.
func TestNonsenseServesNothing(t *testing.T) {
	for _, list := range [][]string{{""}, {"eu", ""}, {"eu", "all"}, {"eu/1"}, {"1eu"}, make([]string, 1001)} {
		if r, err := residency.Of(list); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("%q: %v, %v", list[:1], r, err)
		}
	}
}

// TestCheck: what is stored from now on can be compared.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		text, want string
		code       privacy.Code
	}{
		{"", "", ""}, {"EU", "eu", ""}, {"eu  west", "eu-west", ""}, {"-eu", "", privacy.CodeInvalidRequest}, {"eu.west", "", privacy.CodeInvalidRequest},
	} {
		if got, err := residency.Check(c.text); got != c.want || privacy.CodeOf(err) != c.code {
			t.Errorf("%q: %q, %v", c.text, got, err)
		}
	}
}

// TestRefusalNamesTenants: the sentence names some, the cause all.
func TestRefusalNamesTenants(t *testing.T) {
	tenants := []string{"a", "b", "c", "d", "e", "f", "g"}
	e := residency.Refusal(tenants...)
	const want = "this server does not serve the region of a, b, c, d, e and 2 more: it neither stores nor reads such a tenant's rows"
	if e.Code != privacy.CodeForbidden || e.Message != want {
		t.Errorf("%s: %s", e.Code, e.Message)
	}
	if got := residency.Refused(e); !slices.Equal(got, tenants) {
		t.Errorf("concerned: %v", got)
	}
	if got := residency.Refused(errors.New("another reason")); got != nil {
		t.Errorf("concerned: %v", got)
	}
}
