package main

import (
	"io"
	"testing"
)

// TestWhatIsMissingIsMissed: a figure that no test reported fails its goal and is
// null in the file.
func TestWhatIsMissingIsMissed(t *testing.T) {
	f := &figures{values: map[string]string{}}
	for name, value := range map[string]string{"attempts": "2400", "allowed": "0", "refusals_audited": "1", "policy_ms": "0.05", "lineage_complete": "true", "lineage_modelled": "1000"} {
		f.add(name, value)
	}
	f.add("operations", "42")
	const want = `{
  "attempts": 2400,
  "allowed": 0,
  "refusals_audited": 1,
  "policy_ms": 0.05,
  "suspend_ms": null,
  "lineage_complete": true,
  "lineage_modelled": 1000,
  "operations": 42
}`
	if got, err := f.json(); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if n := f.judge(io.Discard); n != 1 {
		t.Errorf("%d goals were missed, want that of the suspension", n)
	}
	for name, value := range map[string]string{"suspend_ms": "1000.5", "allowed": "1", "attempts": "1999", "refusals_audited": "0.9999", "policy_ms": "0.2", "lineage_complete": "false", "lineage_modelled": "999"} {
		f.add(name, value)
	}
	if n := f.judge(io.Discard); n != len(goals()) {
		t.Errorf("%d of %d goals were missed, want all", n, len(goals()))
	}
}
