// Package spool receives uploads: a request body goes to disk while it is
// hashed, and is never held in memory. It is sealed on its way, if the caller says
// how: then no byte of it is ever on the disk as it came.
//
// A spooled file is named after its load. While it is being written its writer
// holds an advisory lock on it, so that whoever cleans up after a crash can
// tell an upload in progress from a leftover: see [Leftovers]. When [Receive]
// returns, the file and its name are durable.
package spool

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/privacy"
)

// extension is the suffix of a spooled file's name.
const extension = ".upload"

// Path returns where the upload of a load lies in the spool directory.
func Path(dir, load string) string { return filepath.Join(dir, load+extension) }

// File is a received upload. It stays locked until Release, which its owner
// calls once the load is on record.
type File struct {
	Path   string
	Bytes  int64  // as received
	SHA256 string // of them, in hexadecimal
	f      *os.File
}

// Seal returns what encrypts into w all that is written to it, and is complete when
// it is closed. It does not close w.
type Seal func(w io.Writer) (io.WriteCloser, error)

// asItIs stores what comes as it comes.
func asItIs(w io.Writer) (io.WriteCloser, error) { return unclosed{w}, nil }

type unclosed struct{ io.Writer }

// Close implements io.Closer.
func (unclosed) Close() error { return nil }

// Release ends the protection that an unrecorded upload has from cleaning.
func (f *File) Release() { _ = f.f.Close() }

// Discard removes the upload.
func (f *File) Discard() {
	_ = os.Remove(f.Path)
	_ = f.f.Close()
}

// Receive writes body to the spool file of a load, which must be new, sealed unless
// seal is nil. A body
// longer than limit is CodeTooLarge, one that breaks off (or a context that
// ends) CodeInvalidRequest, a full disk CodeUnavailable; then nothing remains.
func Receive(ctx context.Context, dir, load string, body io.Reader, limit int64, seal Seal) (*File, error) {
	if seal == nil {
		seal = asItIs
	}
	f, err := create(Path(dir, load))
	if err != nil {
		return nil, diskError(err)
	}
	out := &File{Path: f.Name(), f: f}
	if err := out.fill(ctx, body, limit, seal); err != nil {
		out.Discard()
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		out.Discard()
		return nil, diskError(err)
	}
	return out, nil
}

func (f *File) fill(ctx context.Context, body io.Reader, limit int64, seal Seal) error {
	w, err := seal(f.f)
	if err != nil {
		return diskError(err)
	}
	to := newSink(f.f, w)
	n, err := to.take(ctx, io.LimitReader(body, limit+1))
	writing := to.close()
	switch {
	case writing != nil:
		return diskError(writing)
	case tooLarge(err):
		return privacy.AsError(err) // its reader has a limit of its own
	case n > limit:
		return privacy.Errorf(privacy.CodeTooLarge, "the upload is larger than %d bytes, the most that this server accepts", limit)
	case err != nil:
		return privacy.Errorf(privacy.CodeInvalidRequest, "the upload broke off after %d bytes; send it again", n).Because(err)
	}
	if err := f.f.Sync(); err != nil {
		return diskError(err)
	}
	f.Bytes, f.SHA256 = n, hex.EncodeToString(to.hash.Sum(nil))
	return nil
}

// tooLarge recognises a body whose own reader enforces a limit.
func tooLarge(err error) bool {
	var e *privacy.Error
	return errors.As(err, &e) && e.Code == privacy.CodeTooLarge
}

// create creates and locks a file. A cleaner may have found the name between
// the two steps and removed it: then it is created again.
func create(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			_ = f.Close()
			return nil, err
		}
		if named(f, path) {
			return f, nil
		}
		_ = f.Close()
	}
}

// named reports whether the open file is still the one at path.
func named(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// Leftovers calls known for every upload in the directory that nobody is
// receiving, and removes those that it does not know.
func Leftovers(dir string, known func(load string) (bool, error)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		load, ok := strings.CutSuffix(e.Name(), extension)
		if !ok {
			continue
		}
		if err := sweep(Path(dir, load), load, known); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func sweep(path, load string, known func(string) (bool, error)) error {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil
		}
		return err
	}
	// Asked only under the lock: the receiver lets go of it after the load is on record.
	keep, err := known(load)
	if err != nil || keep {
		return err
	}
	return os.Remove(path)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return privacy.Errorf(privacy.CodeUnavailable, "the server has no room for this upload; try again later").Because(err)
	}
	return privacy.Internal(fmt.Errorf("spool: %w", err), "receiving an upload")
}
