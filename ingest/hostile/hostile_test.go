package hostile_test

import (
	"bytes"
	"testing"

	"github.com/noised/noised/ingest/hostile"
)

// A file is known by its name.
func TestFilesAreTheSameOnEveryRun(t *testing.T) {
	a, b := hostile.Few(), hostile.Few()
	seen := map[string]bool{}
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Body, b[i].Body) {
			t.Errorf("%s and %s", a[i].Name, b[i].Name)
		}
		if seen[a[i].Name] {
			t.Errorf("%s twice", a[i].Name)
		}
		seen[a[i].Name] = true
	}
	if len(a) < 60 {
		t.Errorf("%d files", len(a))
	}
}
