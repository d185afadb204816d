package screen

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinesAreBrokenAtSpacesWhereTheTerminalEnds(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  []string
	}{
		{"one two three", 0, []string{"one two three"}},
		{"one two three", -2, []string{"one two three"}},
		{"one two three", 13, []string{"one two three"}},
		{"one two three", 12, []string{"one two", "three"}},
		{"one two three", 3, []string{"one", "two", "three"}},
		{"unbreakable", 4, []string{"unbreakable"}},
		{"  →  kept indent", 10, []string{"  →  kept", "indent"}},
		{"", 10, []string{""}},
	} {
		if diff := cmp.Diff(c.want, Wrap(c.line, c.width)); diff != "" {
			t.Errorf("wrap(%q, %d): %s", c.line, c.width, diff)
		}
	}
}

func TestPathsInSuggestedCommandsAreQuoted(t *testing.T) {
	for path, want := range map[string]string{
		"/var/lib/noised": "/var/lib/noised", "my data": "'my data'", "": "''", "it's": `'it'\''s'`, "$HOME": "'$HOME'",
	} {
		if got := Quote(path); got != want {
			t.Errorf("quote(%q) = %s, want %s", path, got, want)
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 73421: "73,421", -1234567: "-1,234,567"} {
		if got := Thousands(n); got != want {
			t.Errorf("thousands(%d) = %q", n, got)
		}
	}
	if got := OneLine("SELECT\n  1,   2", 8); got != "SELECT …" {
		t.Errorf("oneLine = %q", got)
	}
}
