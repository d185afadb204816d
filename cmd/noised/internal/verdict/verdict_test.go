package verdict

import (
	"io"
	"testing"
)

// TestWhatIsMissingIsMissed: a figure that no test reported fails its goal and is
// null in the file, and so does each that is not what it must be.
func TestWhatIsMissingIsMissed(t *testing.T) {
	goals := []Goal{
		{"made", "at least 1000", AtLeast(1000)}, {"found", "as many", As("made")}, {"deaths", "0", Is(0)},
		{"ms", "under 1", Under(1)}, {"ratio", "at most 1.15", AtMost(1.15)}, {"whole", "true", Is(1)},
	}
	f := &figures{values: map[string]string{}}
	for name, value := range map[string]string{"made": "1000", "found": "1000", "deaths": "0", "ratio": "1.15", "whole": "true"} {
		f.add(name, value)
	}
	f.add("seen", "42")
	const want = `{
  "made": 1000,
  "found": 1000,
  "deaths": 0,
  "ms": null,
  "ratio": 1.15,
  "whole": true,
  "seen": 42
}`
	if got, err := f.json(goals); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if n := f.judge(io.Discard, goals); n != 1 {
		t.Errorf("%d goals were missed, want that of the time", n)
	}
	for name, value := range map[string]string{"made": "999", "found": "998", "deaths": "1", "ms": "1", "ratio": "1.16", "whole": "false"} {
		f.add(name, value)
	}
	if n := f.judge(io.Discard, goals); n != len(goals) {
		t.Errorf("%d of %d goals were missed, want all", n, len(goals))
	}
	if n := (&figures{values: map[string]string{"found": "1000"}}).judge(io.Discard, goals[1:2]); n != 1 {
		t.Error("as many as nothing were found")
	}
}
