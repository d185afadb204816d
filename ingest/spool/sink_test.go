package spool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/noised/noised/privacy"
)

// TestUploadsOfManyBlocksAreStoredAsTheyAre, at every size at which a block ends,
// or the writing to the disk is begun early.
func TestUploadsOfManyBlocksAreStoredAsTheyAre(t *testing.T) {
	all := make([]byte, 2*writeBackEvery+blockSize)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(all)
	for _, size := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, blocks*blockSize + 1, writeBackEvery, writeBackEvery + 1, len(all)} {
		f, err := Receive(context.Background(), t.TempDir(), "load_x", iotest.HalfReader(bytes.NewReader(all[:size])), int64(size), nil)
		if err != nil {
			t.Fatal(size, err)
		}
		stored, err := os.ReadFile(f.Path)
		f.Release()
		sum := sha256.Sum256(all[:size])
		if err != nil || !bytes.Equal(stored, all[:size]) || f.Bytes != int64(size) || f.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("an upload of %d bytes became one of %d: %v", size, f.Bytes, err)
		}
	}
}

// TestABodyThatCannotBeWrittenIsNotReadToItsEnd.
func TestABodyThatCannotBeWrittenIsNotReadToItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path) // for reading
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	endless := iotest.DataErrReader(io.MultiReader(bytes.NewReader(make([]byte, blockSize)), zeros{}))
	if err := (&File{Path: path, f: f}).fill(context.Background(), endless, 1<<62, asItIs); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("got %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// BenchmarkReceive is an upload of 256 MB that is there at once.
func BenchmarkReceive(b *testing.B) {
	block := make([]byte, 1<<20)
	dir := b.TempDir()
	b.SetBytes(256 << 20)
	for b.Loop() {
		body := make([]io.Reader, 256)
		for i := range body {
			body[i] = bytes.NewReader(block)
		}
		f, err := Receive(context.Background(), dir, "load_x", struct{ io.Reader }{io.MultiReader(body...)}, 1<<30, nil)
		if err != nil {
			b.Fatal(err)
		}
		f.Discard()
	}
}
