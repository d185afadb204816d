package verdict

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatIsMissingIsMissed: a figure that no test reported fails its goal and is
// null in the file, and so does each that is not what it must be.
func TestWhatIsMissingIsMissed(t *testing.T) {
	goals := []Goal{
		AtLeast("made", 100_000), AllOf("found", "made"), Is("deaths", 0),
		Under("ms", 1), AtMost("ratio", 1.15), IsTrue("whole"),
	}
	f := &figures{values: map[string]string{}}
	for name, value := range map[string]string{"made": "100000", "found": "100000", "deaths": "0", "ratio": "1.15", "whole": "true"} {
		f.add(name, value)
	}
	f.add("seen", "42")
	const want = `{
  "made": 100000,
  "found": 100000,
  "deaths": 0,
  "ms": null,
  "ratio": 1.15,
  "whole": true,
  "seen": 42
}
`
	path := filepath.Join(t.TempDir(), "figures.json")
	if err := Write(path, f.json(goals)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	var said strings.Builder
	if n := f.judge(&said, goals); n != 1 {
		t.Errorf("%d goals were missed, want that of the time", n)
	}
	const table = `
made     100000         at least 100000   pass
found    100000         all of them       pass
deaths   0              0                 pass
ms       not measured   under 1           MISSED
ratio    1.15           at most 1.15      pass
whole    true           true              pass
seen     42`
	if !strings.HasPrefix("\n"+said.String(), table) {
		t.Errorf("it says\n%s", &said)
	}
	for name, value := range map[string]string{"made": "99999", "found": "99998", "deaths": "1", "ms": "1", "ratio": "1.16", "whole": "false"} {
		f.add(name, value)
	}
	if n := f.judge(io.Discard, goals); n != len(goals) {
		t.Errorf("%d of %d goals were missed, want all", n, len(goals))
	}
	if n := (&figures{values: map[string]string{"found": "100000"}}).judge(io.Discard, goals[1:2]); n != 1 {
		t.Error("as many as nothing were found")
	}
}
