package keyring_test

import (
	"strings"
	"testing"

	"github.com/noised/noised/privacy/keyring"
)

func TestTextsAreSealedAsTexts(t *testing.T) {
	ring := newHouse(t).ring
	at := keyring.Scope{Tenant: "a", Name: "things", Row: "1"}
	sealed, err := ring.SealTextIn(t.Context(), nil, at, "SELECT 'canary'")
	if err != nil || !keyring.SealedText(sealed) || strings.Contains(sealed, "canary") {
		t.Fatalf("%q, %v", sealed, err)
	}
	if got, err := ring.OpenTextIn(t.Context(), nil, at, sealed); err != nil || got != "SELECT 'canary'" {
		t.Errorf("%q, %v", got, err)
	}
	at.Row = "2"
	if got, err := ring.OpenTextIn(t.Context(), nil, at, sealed); err == nil {
		t.Errorf("another row's text opens as %q", got)
	}
	if got, err := ring.OpenTextIn(t.Context(), nil, at, "plain"); err != nil || got != "plain" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ring.OpenTextIn(t.Context(), nil, at, sealed[:len("\x01noised:")]+"!"); err == nil {
		t.Error("nonsense opens")
	}
	var off *keyring.Ring
	if got, err := off.SealTextIn(t.Context(), nil, at, "plain"); err != nil || got != "plain" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDigestsAreOfTheirKeyAndParts(t *testing.T) {
	ring := newHouse(t).ring
	seen := map[string]bool{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}} {
		for _, tenant := range []string{"", "a"} {
			s := keyring.Scope{Tenant: tenant, Name: "things"}
			d, ok, err := ring.Digest(t.Context(), nil, s, parts...)
			again, _, _ := ring.Digest(t.Context(), nil, s, parts...)
			if err != nil || !ok || seen[d] || again != d {
				t.Errorf("%q of %q: %q, %v", parts, tenant, d, err)
			}
			seen[d] = true
		}
	}
	var off *keyring.Ring
	if d, ok, err := off.Digest(t.Context(), nil, keyring.Scope{Name: "things"}, "a"); ok || err != nil || d != "" {
		t.Errorf("%q, %v", d, err)
	}
}
