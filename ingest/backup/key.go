package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/streamingaead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/noised/noised/ingest/segment"
)

// Key encrypts what a repository holds. Its file is a tink keyset as JSON, of
// AES-256-GCM in pieces of a megabyte under keys that are derived for each file
// (AES256_GCM_HKDF_1MB): a copy that was cut short, or put in another's place, does
// not decrypt.
type Key struct{ aead tink.StreamingAEAD }

// maxKeyFile is far above the size of any key file.
const maxKeyFile = 1 << 20

// CreateKey makes a new key and writes it to a new file, for its owner only.
func CreateKey(path string) (*Key, error) {
	handle, err := keyset.NewHandle(streamingaead.AES256GCMHKDF1MBKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("making a backup key: %w", err)
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return nil, fmt.Errorf("making a backup key: %w", err)
	}
	text.WriteByte('\n')
	if err := writeNew(path, text.Bytes()); err != nil {
		return nil, fmt.Errorf("making a backup key: %w", err)
	}
	return keyOf(handle)
}

// writeNew makes a file that was not there, whole or not at all.
func writeNew(path string, text []byte) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(part)
	}()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Link(part, path); err != nil { // which replaces nothing
		return err
	}
	return segment.SyncDir(filepath.Dir(path))
}

// ReadKey reads a key file, which others must not be able to read.
func ReadKey(path string) (*Key, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the key file %s is missing, and without it no backup can be read: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("the key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("refusing the key file %s: others on this machine may read it (mode %#o). Run: chmod 600 %s", path, mode.Perm(), path)
	}
	// What is wrong with a file that holds a key is not told in its words.
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(io.LimitReader(f, maxKeyFile)))
	if err != nil {
		return nil, fmt.Errorf("%s is not a backup's key file", path)
	}
	k, err := keyOf(handle)
	if err != nil {
		return nil, fmt.Errorf("%s is not a backup's key file", path)
	}
	return k, nil
}

func keyOf(handle *keyset.Handle) (*Key, error) {
	aead, err := streamingaead.New(handle)
	if err != nil {
		return nil, err
	}
	return &Key{aead: aead}, nil
}

// seal encrypts to w what is written to it. Only who says the same name can open
// what comes out. It is whole once the writer is closed.
func (k *Key) seal(w io.Writer, name string) (io.WriteCloser, error) {
	return k.aead.NewEncryptingWriter(w, []byte(name))
}

// open decrypts from r what was sealed under a name. Nothing that was changed is
// read.
func (k *Key) open(r io.Reader, name string) (io.Reader, error) {
	return k.aead.NewDecryptingReader(r, []byte(name))
}
