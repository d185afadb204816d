package remote

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
)

func TestPlacesAllowForWideCharacters(t *testing.T) {
	if got, want := pointAt("SELECT '😀',\tx", 13), "  SELECT '😀',\tx\n              \t^\n"; got != want {
		t.Errorf("pointAt: %q, want %q", got, want)
	}
}

func TestErrorsPointIntoTheQuery(t *testing.T) {
	sql := "SELECT größe,\n  person FROM d"
	p := wire.Problem{Type: "/problems/query-not-permitted", Detail: Optional("no"), Position: Optional(17), Suggestion: Optional("yes")}
	got := Explain(&QueryError{SQL: sql, Err: &wire.ProblemError{Problem: p, RetryAfter: time.Minute}})
	want := "no [query-not-permitted]\n    person FROM d\n    ^\n  instead: yes\n  try again in 1m0s\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	for _, position := range []int{1, 1000} { // beyond the text is no panic
		if pointAt(sql, position) == "" {
			t.Errorf("nothing shown for position %d", position)
		}
	}
}
