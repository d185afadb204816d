package screen

import (
	"testing"
)

func TestColumnsAreShortenedAtTheirEndOrInTheirMiddle(t *testing.T) {
	for _, c := range []struct {
		text   string
		width  int
		middle bool
		want   string
	}{
		{"abcdef", 6, false, "abcdef"},
		{"abcdef", 5, false, "abcd…"},
		{"abcdef", 5, true, "ab…ef"},
		{"abcdef", 4, true, "ab…f"},
		{"日本語", 5, false, "日本…"},
		{"日本語", 4, false, "日…"},
		{"日本語", 5, true, "日…語"},
	} {
		if got := shorten(c.text, c.width, c.middle); got != c.want {
			t.Errorf("shorten(%q, %d, %t) = %q, want %q", c.text, c.width, c.middle, got, c.want)
		}
	}
}
