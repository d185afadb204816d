package refusal

import (
	"errors"
	"strings"
	"testing"

	"github.com/noised/noised/privacy"
)

// TestLocated: an error keeps the place that it has.
func TestLocated(t *testing.T) {
	if e := privacy.AsError(Located(New(3, "no"), 9)); e.Position != 3 || e.Code != privacy.CodeQueryNotPermitted {
		t.Errorf("%+v", e)
	}
	if e := privacy.AsError(Located(New(0, "no"), 9)); e.Position != 9 {
		t.Errorf("%+v", e)
	}
	if e := privacy.AsError(Located(errors.New("disk"), 9)); e.Code != privacy.CodeInternal {
		t.Errorf("%+v", e)
	}
}

// TestNearest: a suggestion is a name that may have been meant.
func TestNearest(t *testing.T) {
	names := []string{"rating", "service", "lecturer"}
	for name, want := range map[string]string{
		"ratings": "rating", "raitng": "rating", "servcie": "service", "x": "", "studage": "", strings.Repeat("rating", 100): "",
	} {
		if got, ok := Nearest(name, names); got != want || ok != (want != "") {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

// TestNamesAreCut: what a message repeats has a length.
func TestNamesAreCut(t *testing.T) {
	if got := Shorten(strings.Repeat("é", 100)); got != strings.Repeat("é", 64)+"…" {
		t.Errorf("shortened to %q", got)
	}
	names := strings.Split(strings.Repeat("a ", 21)+"a", " ")
	if got := Listed(names); strings.Count(got, "a") != 20 || !strings.HasSuffix(got, ", …") {
		t.Errorf("listed as %q", got)
	}
	if got := Listed(names[:2]); got != "a, a" {
		t.Errorf("listed as %q", got)
	}
}
