package main

import (
	"io"
	"testing"
)

// TestWhatIsMissingIsMissed: a figure that no test reported fails its goal and is
// null in the file.
func TestWhatIsMissingIsMissed(t *testing.T) {
	f := &figures{values: map[string]string{}}
	for name, value := range map[string]string{"tamperings": "1000", "caught": "1", "corpus": "240", "server_deaths": "0", "canaries_found": "0", "encrypted_scan_ratio": "1.1", "restore_ok": "true"} {
		f.add(name, value)
	}
	f.add("canaries", "42")
	const want = `{
  "tamperings": 1000,
  "caught": 1,
  "corpus": 240,
  "server_deaths": 0,
  "canaries_found": 0,
  "log_ms": null,
  "encrypted_scan_ratio": 1.1,
  "restore_ok": true,
  "canaries": 42
}`
	if got, err := f.json(); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if n := f.judge(io.Discard); n != 1 {
		t.Errorf("%d goals were missed, want that of the log", n)
	}
	for name, value := range map[string]string{"tamperings": "999", "caught": "0.999", "corpus": "199", "server_deaths": "1", "canaries_found": "1", "log_ms": "1", "encrypted_scan_ratio": "1.16", "restore_ok": "false"} {
		f.add(name, value)
	}
	if n := f.judge(io.Discard); n != len(goals()) {
		t.Errorf("%d of %d goals were missed, want all", n, len(goals()))
	}
}
