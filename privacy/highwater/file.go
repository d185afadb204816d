package highwater

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/privacy"
)

// lockLimit is the longest wait for another process that is moving the mark,
// which takes it a millisecond.
const lockLimit = 10 * time.Second

// File is where a mark is kept.
type File struct {
	path string // without symbolic links
}

// Open returns the file at path, which need not exist; its directory must.
// CodeInvalidRequest if the file lies within the data directory, by whatever
// path or second name: whoever restores an old copy of that would restore the
// mark with it.
func Open(path, dataDir string) (*File, error) {
	real, err := resolve(path)
	if _, missing := os.Stat(filepath.Dir(path)); errors.Is(missing, fs.ErrNotExist) {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "cannot keep a high-water mark at %s: its directory %s does not exist. Create it, or mount what holds it", path, filepath.Dir(path))
	}
	if err != nil {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "cannot keep a high-water mark at %s: %s", path, err)
	}
	var file unix.Stat_t
	if err := unix.Stat(real, &file); err == nil && file.Nlink > 1 {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the high-water mark %s has other names (hard links), and one of them may lie in the data directory: "+
			"copy it to a file with one name", path)
	}
	data, err := os.Stat(dataDir)
	if err != nil {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "cannot find the data directory: %s", err)
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, privacy.Errorf(privacy.CodeInvalidRequest, "cannot keep a high-water mark at %s: %s", path, err)
		}
		if os.SameFile(info, data) {
			return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the high-water mark %s lies in the data directory: "+
				"an old copy of the directory would bring an old mark with it. Keep it elsewhere, where backups of %s do not reach", path, dataDir)
		}
		if dir == filepath.Dir(dir) {
			return &File{path: real}, nil
		}
	}
}

// resolve returns the path of a regular file, or of one that could be made,
// without symbolic links.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
		return filepath.Join(dir, filepath.Base(abs)), err
	}
	if err != nil {
		return "", err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if abs, err = filepath.EvalSymlinks(abs); err != nil {
			return "", err
		}
		if info, err = os.Lstat(abs); err != nil {
			return "", err
		}
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("there is something that is not a file")
	}
	return filepath.EvalSymlinks(abs)
}

// Path returns where the file really is.
func (f *File) Path() string { return f.path }

// Read returns the mark: CodeNotFound if there is none, CodeConflict if it is
// damaged.
func (f *File) Read(ctx context.Context) (m Mark, err error) {
	err = f.locked(ctx, os.O_RDONLY, func(file *os.File) error {
		m, _, err = f.read(file)
		return err
	})
	return m, err
}

// locked opens the file and runs fn while nobody else moves the mark. The file
// is opened anew each time, so that one that was removed or replaced under a
// running server does not swallow marks.
func (f *File) locked(ctx context.Context, flags int, fn func(*os.File) error) error {
	file, err := os.OpenFile(f.path, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return privacy.Errorf(privacy.CodeNotFound, "the high-water mark %s is missing", f.path)
	}
	if err != nil {
		return privacy.Errorf(privacy.CodeConflict, "cannot open the high-water mark: %s", err)
	}
	defer func() { _ = file.Close() }() // gives the lock back
	if err := lock(ctx, file); err != nil {
		return err
	}
	return fn(file)
}

// lock waits for the lock of an open file.
func lock(ctx context.Context, file *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, time.Millisecond) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("locking the high-water mark: %w", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("another process holds the lock of the high-water mark: %w", ctx.Err())
		}
	}
}

// read returns the mark in a locked file, and the slot for the next one.
func (f *File) read(file *os.File) (m Mark, next int, err error) {
	data := make([]byte, 2*slotSize+1)
	n, err := file.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Mark{}, 0, privacy.Errorf(privacy.CodeConflict, "cannot read the high-water mark: %s", err)
	}
	if m, next, err = decodeFile(data[:n]); err != nil {
		return Mark{}, 0, privacy.Errorf(privacy.CodeConflict, "the high-water mark %s is damaged: %s", f.path, err)
	}
	return m, next, nil
}

// write puts a mark into one slot of a locked file. When it returns nil, the mark
// is on disk.
func write(file *os.File, m Mark, slot int) error {
	if _, err := file.WriteAt(m.encode(), int64(slot)*slotSize); err != nil {
		return err
	}
	return syncData(file)
}

// replace makes the file new with one mark. A crash in between leaves a file that
// is refused, or the mark that was there.
func (f *File) replace(ctx context.Context, mark func() (Mark, error)) error {
	return f.locked(ctx, os.O_RDWR|os.O_CREATE, func(file *os.File) error {
		m, err := mark()
		if err != nil {
			return err
		}
		if err := file.Truncate(2 * slotSize); err != nil {
			return err
		}
		for slot := range 2 {
			if err := write(file, m, slot); err != nil {
				return err
			}
		}
		if err := file.Sync(); err != nil {
			return err
		}
		dir, err := os.Open(filepath.Dir(f.path))
		if err != nil {
			return err
		}
		defer func() { _ = dir.Close() }()
		return dir.Sync()
	})
}
