package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
