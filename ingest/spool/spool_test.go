package spool_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/noised/noised/ingest/spool"
	"github.com/noised/noised/privacy"
)

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestAnUploadIsStoredAsItIsAndHashed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 4096).Draw(rt, "body")
		dir := t.TempDir()
		f, err := spool.Receive(context.Background(), dir, "load_x", iotest.OneByteReader(bytes.NewReader(body)), int64(len(body)), nil)
		if err != nil {
			rt.Fatal(err)
		}
		f.Release()
		stored, err := os.ReadFile(spool.Path(dir, "load_x"))
		if err != nil || !bytes.Equal(stored, body) {
			rt.Fatalf("%v, %v", stored, err)
		}
		sum := sha256.Sum256(body)
		if f.Bytes != int64(len(body)) || f.SHA256 != hex.EncodeToString(sum[:]) {
			rt.Fatalf("%+v", f)
		}
		if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o600 {
			rt.Fatalf("%v, %v", info, err)
		}
	})
}

func TestWhatCannotBeReceivedLeavesNothing(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		body io.Reader
		code privacy.Code
	}{
		"too long":           {context.Background(), strings.NewReader("12345"), privacy.CodeTooLarge},
		"endless":            {context.Background(), endless{}, privacy.CodeTooLarge},
		"cut off":            {context.Background(), io.MultiReader(strings.NewReader("123"), iotest.ErrReader(io.ErrUnexpectedEOF)), privacy.CodeInvalidRequest},
		"limited by another": {context.Background(), iotest.ErrReader(privacy.Errorf(privacy.CodeTooLarge, "too large")), privacy.CodeTooLarge},
		"hung up":            {over, strings.NewReader("123"), privacy.CodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := spool.Receive(c.ctx, dir, "load_x", c.body, 4, nil)
			if privacy.CodeOf(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
			if left := names(t, dir); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestANameIsUsedOnce(t *testing.T) {
	dir := t.TempDir()
	f, err := spool.Receive(context.Background(), dir, "load_x", strings.NewReader("a"), 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if _, err := spool.Receive(context.Background(), dir, "load_x", strings.NewReader("b"), 4, nil); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(f.Path); err != nil || string(b) != "a" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestLeftoversAreRemovedUnlessKnownOrInProgress(t *testing.T) {
	dir := t.TempDir()
	receive := func(load string) *spool.File {
		f, err := spool.Receive(context.Background(), dir, load, strings.NewReader("a"), 4, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	receive("known").Release()
	receive("orphan").Release()
	progress := receive("progress")
	if err := os.WriteFile(dir+"/other", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	known := func(load string) (bool, error) { return load == "known", nil }
	if err := spool.Leftovers(dir, known); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names(t, dir), " "); got != "known.upload other progress.upload" {
		t.Errorf("left %s", got)
	}
	progress.Release()
	failing := errors.New("the store is closed")
	if err := spool.Leftovers(dir, func(string) (bool, error) { return false, failing }); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
	if err := spool.Leftovers(dir, known); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names(t, dir), " "); got != "known.upload other" {
		t.Errorf("left %s", got)
	}
}
