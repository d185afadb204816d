package duckdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/privacy"
)

func TestExtensionsThatAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "httpfs.duckdb_extension")
	refused := func(why string) {
		t.Helper()
		if err := attached.CheckExtension(path); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, and not that %s", err, why)
		}
	}
	refused("no such file")
	if err := os.WriteFile(path, []byte("another extension"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("SHA-256")
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	refused("others may write to it")
}

// A key stands in the text of a statement only, and that is in no error.
func TestKeysAreInNoError(t *testing.T) {
	w := newWriter(t)
	path := w.segment(t.TempDir(), "plain", "SELECT 1::UBIGINT AS _unit")
	key := []byte("a key of 32 bytes, for this test")
	o := Options{Key: func(context.Context, string) ([]byte, error) { return key, nil }}.withDefaults()
	in, err := attached.Open(o.settings(), attached.Streaming, []string{path})
	if err == nil {
		in.Close()
		t.Fatal("a plain file was opened where an encrypted one must be")
	}
	for _, secret := range []string{string(key), "612", "ENCRYPTION"} {
		if text := privacy.Internal(err, "x").Error() + err.Error(); strings.Contains(text, secret) {
			t.Errorf("the error quotes the statement: %s", text)
		}
	}
	lost := errors.New("lost")
	o.Key = func(context.Context, string) ([]byte, error) { return nil, lost }
	if _, err := attached.Open(o.settings(), attached.Streaming, []string{path}); !errors.Is(err, lost) {
		t.Error(err)
	}
	o.Key = func(context.Context, string) ([]byte, error) { return nil, nil }
	in, err = attached.Open(o.settings(), attached.Streaming, []string{path})
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
}
