package upload

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// shifted is a cipher of tests: every byte is one too high, and 0xff breaks it.
type shifted struct{ r io.Reader }

var errBroken = errors.New("sealed differently")

func (s shifted) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	for i := range p[:n] {
		if p[i] == 0xff {
			return i, errBroken
		}
		p[i]--
	}
	return n, err
}

func shift(plain []byte) []byte {
	out := bytes.Clone(plain)
	for i := range out {
		out[i]++
	}
	return out
}

func sealedUpload(t *testing.T, sealed []byte, memory int64) *Upload {
	t.Helper()
	dir := t.TempDir()
	u := &Upload{
		Path: filepath.Join(dir, "upload"), Dir: filepath.Join(dir, "work"), MaxBytes: 1 << 30, Memory: memory,
		Open: func(r io.Reader) (io.Reader, error) { return shifted{r}, nil },
	}
	if err := errors.Join(os.Mkdir(u.Dir, 0o700), os.WriteFile(u.Path, sealed, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

// TestWhatIsSealedIsPlainInNoFile: neither in memory's stead nor beside it does the
// directory hold a byte of the upload, while it can be read as often as one likes.
func TestWhatIsSealedIsPlainInNoFile(t *testing.T) {
	text := []byte(strings.Repeat("canary\n", 100_000))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		encoding Encoding
		sent     []byte
		memory   int64
	}{
		"in memory": {EncodingNone, text, 1 << 30}, "beyond it": {EncodingNone, text, 1000}, "none": {EncodingNone, text, 0},
		"compressed": {EncodingGzip, packed.Bytes(), 1 << 30}, "compressed, beyond": {EncodingGzip, packed.Bytes(), 300_000},
	} {
		t.Run(name, func(t *testing.T) {
			u := sealedUpload(t, shift(c.sent), c.memory)
			u.Encoding = c.encoding
			path, err := u.Plain(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, text) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
			if paths, err := u.Readable(); err != nil || len(paths) != 2 || paths[0] != path {
				t.Errorf("%v, %v: want %s and another", paths, err, path)
			}
			if entries, err := os.ReadDir(u.Dir); err != nil || len(entries) > 0 {
				t.Errorf("%v, %v: want nothing", entries, err)
			}
			u.Close()
			if _, err := os.ReadFile(path); err == nil {
				t.Error("it outlives its upload")
			}
		})
	}
}

// TestAnUploadThatDoesNotOpenIsNotTheSendersFault.
func TestAnUploadThatDoesNotOpenIsNotTheSendersFault(t *testing.T) {
	for _, e := range []Encoding{EncodingNone, EncodingGzip, EncodingZstd} {
		u := sealedUpload(t, []byte("\xff"), 1<<20)
		u.Encoding = e
		if _, err := u.Plain(context.Background()); !errors.Is(err, errBroken) {
			t.Errorf("%q: %v", e, err)
		}
	}
}
