package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// TestTheDrillPasses plays everything, as far as that goes without the extension that
// encrypts data files, which make drill has.
func TestTheDrillPasses(t *testing.T) {
	program, err := blackbox.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "drill.json")
	var said bytes.Buffer
	if err := run(t.Context(), []string{"-binary", program.Path, "-o", out}, &said); err != nil {
		t.Errorf("%v\n%s", err, &said)
	}
	for _, want := range []string{"2 of 2 data files, which anybody with DuckDB reads", "without the keyset no server starts", "with the keyset: 4000 rows"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q\n%s", want, &said)
		}
	}
}

// TestASearchFindsWhatIsThere, so that nothing is called absent for want of looking.
func TestASearchFindsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("some "+canaryAlias+" there"), 0o600); err != nil {
		t.Fatal(err)
	}
	if absent(dir, canaryReject) != nil || absent(dir, canaryReject, canaryAlias) == nil {
		t.Error("it does not")
	}
}

func TestADrillThatCannotBePlayedFails(t *testing.T) {
	out := filepath.Join(t.TempDir(), "drill.json")
	var said bytes.Buffer
	if err := run(t.Context(), []string{"-binary", filepath.Join(t.TempDir(), "nothing"), "-o", out}, &said); err == nil {
		t.Error("it passed")
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil || r.Passed || len(r.Rehearsed) != 3 {
		t.Errorf("%v: %s", err, text)
	}
	if strings.Count(said.String(), "FAIL") != 3 {
		t.Errorf("%s", &said)
	}
}
