package keyring_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/noised/noised/privacy/keyring"
)

// TestFilesAreTheSameWithAndWithoutARing, and as large as FileSize says, at every size
// at which a block ends.
func TestFilesAreTheSameWithAndWithoutARing(t *testing.T) {
	ring := newHouse(t).ring
	at := keyring.Scope{Tenant: "a", Name: "upload:load_1"}
	k := keyring.FileKey{Scope: at, Key: key(t, ring, at)}
	const block = 256 << 10
	for _, size := range []int{0, 1, block - 57, block - 56, block - 55, block, 2*block - 73, 2*block - 72, 2*block - 71, 3 * block, 5*block + 17} {
		plain := bytes.Repeat([]byte{7}, size)
		var sealed bytes.Buffer
		w, err := k.Seal(&sealed)
		if err == nil {
			_, err = w.Write(plain)
		}
		if err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		if int64(sealed.Len()) != keyring.FileSize(int64(size)) {
			t.Errorf("%d bytes became %d, not %d", size, sealed.Len(), keyring.FileSize(int64(size)))
		}
		for name, open := range map[string]func(io.Reader) (io.Reader, error){
			"ring": func(r io.Reader) (io.Reader, error) { return ring.OpenFile(t.Context(), at, r) }, "key": k.Open,
		} {
			r, err := open(bytes.NewReader(sealed.Bytes()))
			if err != nil {
				t.Fatal(name, err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, size)
			}
		}
	}
	r, err := k.Open(bytes.NewReader([]byte("plain")))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "plain" {
		t.Errorf("%q, %v", got, err)
	}
}
