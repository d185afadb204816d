package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Outside refuses a path within the data directory.
func Outside(path, dataDir, what string) error {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("cannot keep %s at %s: %w", what, path, err)
	}
	data, err := filepath.EvalSymlinks(dataDir)
	if err == nil {
		data, err = filepath.Abs(data)
	}
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(data, dir); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return fmt.Errorf("%s %s lies in the data directory, and every copy of that would have it: keep it elsewhere", what, path)
	}
	return nil
}

// PutAside renames a file, if it is there, to a name that none has.
func PutAside(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	aside := path + ".before"
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(path, aside)
		}
		aside = fmt.Sprintf("%s.before-%d", path, n)
	}
}

// WriteSecret writes a new file that its owner alone may read, to the disk.
func WriteSecret(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
