package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
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
		if diff := cmp.Diff(c.want, wrap(c.line, c.width)); diff != "" {
			t.Errorf("wrap(%q, %d): %s", c.line, c.width, diff)
		}
	}
}

func TestPlacesAndTablesAllowForWideCharacters(t *testing.T) {
	if got, want := pointAt("SELECT '😀',\tx", 13), "  SELECT '😀',\tx\n              \t^\n"; got != want {
		t.Errorf("pointAt: %q, want %q", got, want)
	}
	g := grid{header: []string{"a", "b"}, rows: [][]string{{"日本", "1"}, {"x\x1b", "2"}}}
	var b bytes.Buffer
	g.write(&b)
	if got, want := b.String(), "  a     b\n  ────  ─\n  日本  1\n  x�    2\n"; got != want {
		t.Errorf("grid: %q, want %q", got, want)
	}
}

func TestPathsInSuggestedCommandsAreQuoted(t *testing.T) {
	for path, want := range map[string]string{
		"/var/lib/noised": "/var/lib/noised", "my data": "'my data'", "": "''", "it's": `'it'\''s'`, "$HOME": "'$HOME'",
	} {
		if got := quote(path); got != want {
			t.Errorf("quote(%q) = %s, want %s", path, got, want)
		}
	}
}

// Tables with many columns stay within a screen.
func TestTablesFitAScreen(t *testing.T) {
	var columns []wire.DatasetColumn
	for i := range 12 {
		columns = append(columns, wire.DatasetColumn{Name: fmt.Sprintf("l_column_%d", i)})
	}
	var b bytes.Buffer
	writeTables(&b, []wire.DatasetTable{{Name: "lineitem", Via: optional("l_orderkey -> orders.o_orderkey"), Columns: columns}})
	for line := range strings.Lines(b.String()) {
		if displayWidth(line) > 80 {
			t.Errorf("a line of %d columns: %s", displayWidth(line), line)
		}
	}
	if got := strings.Count(b.String(), "l_column_"); got != len(columns) {
		t.Errorf("%d of %d columns are shown:\n%s", got, len(columns), b.String())
	}
}
