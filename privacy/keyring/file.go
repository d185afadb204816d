package keyring

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"golang.org/x/sys/unix"

	"github.com/noised/noised/privacy"
)

// maxKeyset bounds what is read of a keyset file; a key takes 200 bytes.
const maxKeyset = 1 << 20

// File is a key-encryption key in a file: a tink keyset in JSON, in clear, so that
// the file's mode and place are all that protects it. It is read again when it has
// changed, so that keys are rotated under a running server. It is safe for
// concurrent use.
type File struct {
	path string

	mu     sync.Mutex
	seen   stamp
	cipher tink.AEAD
	handle *keyset.Handle
}

// stamp tells one state of a file from another. A file that is replaced by
// renaming has another inode.
type stamp struct {
	inode uint64
	size  int64
	nanos int64
}

// CreateFile makes a keyset file of one key at path, which must not exist. Its
// directory must, and must not be the data directory or within it.
func CreateFile(path, dataDir string) error {
	if err := outside(path, dataDir); err != nil {
		return err
	}
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return privacy.Internal(err, "making a keyset")
	}
	return writeKeyset(path, handle, false)
}

// OpenFile reads the keyset file at path. It refuses one that others than its
// owner may read, and one in the data directory, whose copies would be worth as
// much as the data in clear.
func OpenFile(path, dataDir string) (*File, error) {
	if err := outside(path, dataDir); err != nil {
		return nil, err
	}
	real, err := filepath.Abs(path)
	if err != nil {
		return nil, refuse(path, err)
	}
	f := &File{path: real}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f, f.read()
}

// Wrap implements Wrapper.
func (f *File) Wrap(_ context.Context, key, scope []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f.cipher.Encrypt(key, scope)
}

// Unwrap implements Wrapper.
func (f *File) Unwrap(_ context.Context, wrapped, scope []byte) ([]byte, error) {
	f.mu.Lock()
	cipher := f.cipher
	f.mu.Unlock()
	if key, err := cipher.Decrypt(wrapped, scope); err == nil {
		return key, nil
	}
	// By a key, perhaps, that has been made since.
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return nil, err
	}
	key, err := f.cipher.Decrypt(wrapped, scope)
	if err != nil {
		return nil, errors.New("no key that is enabled in the keyset opens it, or it was changed or moved")
	}
	return key, nil
}

// refresh reads the file again if it has changed. While it cannot be read, what was
// read before stands: a key must not be lost to a disk that is away for a while.
func (f *File) refresh() error {
	now, err := stampOf(f.path)
	if err != nil || now == f.seen {
		return nil //nolint:nilerr // see above
	}
	return f.read()
}

func (f *File) read() error {
	now, err := stampOf(f.path)
	if err != nil {
		return refuse(f.path, err)
	}
	handle, err := readKeyset(f.path)
	if err != nil {
		return err
	}
	cipher, err := aead.New(handle)
	if err != nil {
		return refuse(f.path, errors.New("its keys are not for authenticated encryption"))
	}
	f.seen, f.handle, f.cipher = now, handle, cipher
	return nil
}

// current reports whether the primary key has wrapped a data key: tink writes which
// one has before what it wraps.
func (f *File) current(wrapped []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	primary, err := f.handle.Primary()
	return err == nil && len(wrapped) > 5 && wrapped[0] == 1 && binary.BigEndian.Uint32(wrapped[1:5]) == primary.KeyID()
}

func readKeyset(path string) (*keyset.Handle, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, refuse(path, err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, refuse(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, refuse(path, errors.New("it is not a file"))
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, refuse(path, fmt.Errorf("others on this machine may read it (mode %#o). Run: chmod 600 %s", perm, path))
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyset))
	if err != nil {
		return nil, refuse(path, err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil { // whose text may quote the file
		return nil, refuse(path, errors.New("it is not a tink keyset in JSON, or it is damaged"))
	}
	return handle, nil
}

// writeKeyset writes the file whole or not at all, and onto the disk.
func writeKeyset(path string, handle *keyset.Handle, replace bool) (err error) {
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return privacy.Internal(err, "writing a keyset")
	}
	text.WriteByte('\n')
	file, err := os.CreateTemp(filepath.Dir(path), ".keyset-*") // with mode 0600
	if err != nil {
		return refuse(path, err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	if _, err = file.Write(text.Bytes()); err == nil {
		err = file.Sync()
	}
	if err != nil {
		return refuse(path, err)
	}
	if replace {
		err = os.Rename(file.Name(), path)
	} else { // fails where there is a file
		err = os.Link(file.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		err = errors.New("there is one already, and what it encrypts would be lost with it")
	}
	if err != nil {
		return refuse(path, err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

func stampOf(path string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return stamp{}, err
	}
	return stamp{st.Ino, st.Size, st.Mtim.Nano()}, nil
}

// outside refuses a keyset within the data directory, by whatever path.
func outside(path, dataDir string) error {
	data, err := os.Stat(dataDir)
	if err != nil {
		return privacy.Errorf(privacy.CodeInvalidRequest, "cannot find the data directory: %s", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if real, linked := filepath.EvalSymlinks(path); linked == nil {
		dir = filepath.Dir(real)
	}
	if err != nil {
		return refuse(path, err)
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return refuse(path, err)
		}
		if os.SameFile(info, data) {
			return refuse(path, fmt.Errorf("it lies in the data directory: a copy of %s would bring the key to what is in it. Keep it elsewhere", dataDir))
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func refuse(path string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) { // the path is said already
		err = of.Err
	}
	return privacy.Errorf(privacy.CodeInvalidRequest, "cannot use the keyset %s: %s", path, err)
}
