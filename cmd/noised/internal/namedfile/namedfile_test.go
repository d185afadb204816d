package namedfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNothingIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "named")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path, 5); err != nil || string(got) != "12345" {
		t.Errorf("at the limit: %q, %v", got, err)
	}
	if got, err := Read(path, 4); !errors.Is(err, ErrTooLarge) || got != nil {
		t.Errorf("beyond it: %q, %v", got, err)
	}
	// What says nothing of its size is bounded too.
	if _, err := Read("/dev/zero", 1<<10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file without end: %v", err)
	}
	if _, err := Read(path+"-not", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestSecretsAreTheirOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my secret")
	if err := os.WriteFile(path, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadSecret(path, "log key", 10); err != nil || string(got) != "s" {
		t.Errorf("a private one: %q, %v", got, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	_, err := ReadSecret(path, "log key", 10)
	if want := "Run: chmod 600 '" + path + "'"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("one that others may read: %v, want %s", err, want)
	}
}
