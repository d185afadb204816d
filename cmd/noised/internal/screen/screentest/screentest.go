// Package screentest checks in tests that a list fits a terminal.
package screentest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/noised/noised/cmd/noised/internal/screen"
)

// FitsATerminal demands of a list that it leaves out and shortens, on a terminal of 80
// columns, what can be done without: keep stays, gone is in the whole one only.
func FitsATerminal(t *testing.T, g *screen.Grid, keep, gone []string) {
	t.Helper()
	var whole, fitted bytes.Buffer
	g.Write(&whole)
	g.Fit(80).Write(&fitted)
	for line := range strings.Lines(fitted.String()) {
		if n := screen.DisplayWidth(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, text := range keep {
		if !strings.Contains(fitted.String(), text) {
			t.Errorf("%q is lost:\n%s", text, fitted.String())
		}
	}
	for _, text := range gone {
		if !strings.Contains(whole.String(), text) || strings.Contains(fitted.String(), text) {
			t.Errorf("%q should be there when there is room, and then only:\n%s\n%s", text, whole.String(), fitted.String())
		}
	}
	if g.Fit(1000) != g {
		t.Error("it is changed where there is room for it")
	}
}
