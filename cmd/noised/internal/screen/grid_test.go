package screen

import (
	"bytes"
	"testing"
)

func TestTablesAllowForWideCharacters(t *testing.T) {
	g := Grid{Header: []string{"a", "b"}, Rows: [][]string{{"日本", "1"}, {"x\x1b", "2"}}}
	var b bytes.Buffer
	g.Write(&b)
	if got, want := b.String(), "  a     b\n  ────  ─\n  日本  1\n  x�    2\n"; got != want {
		t.Errorf("grid: %q, want %q", got, want)
	}
}
