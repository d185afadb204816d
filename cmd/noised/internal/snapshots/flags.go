package snapshots

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/ingest/backup"
)

// Flags say where a backup and its key are.
type Flags struct {
	DataDir, Dir, Key string
	wait              time.Duration
}

func (f *Flags) register(c *cobra.Command, name, usage string) {
	c.Flags().StringVar(&f.Dir, name, "", usage)
	c.Flags().StringVar(&f.Key, "key-file", "", "file with the backup's key, kept elsewhere")
}

// apart refuses a key beside what it opens, and a backup within what it copies.
func (f Flags) apart() error {
	for _, dir := range []string{f.Dir, f.DataDir} {
		if dir == "" {
			continue
		}
		if in, err := liesIn(f.Key, dir); err != nil {
			return err
		} else if in {
			return fmt.Errorf("refusing the key file %s: it lies in %s, and whoever takes that takes the key with it. Keep it elsewhere", f.Key, dir)
		}
	}
	if f.DataDir == "" {
		return nil
	}
	for _, pair := range [][2]string{{f.Dir, f.DataDir}, {f.DataDir, f.Dir}} {
		if in, err := liesIn(pair[0], pair[1]); err != nil {
			return err
		} else if in {
			return fmt.Errorf("refusing to back up %s to %s: one lies in the other", f.DataDir, f.Dir)
		}
	}
	return nil
}

// liesIn reports whether a path, which need not exist, lies in a directory or is it,
// by whatever names.
func liesIn(path, dir string) (bool, error) {
	container, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		// What does not exist holds nothing, but may be about to: compare names.
		abs, err1 := filepath.Abs(path)
		base, err2 := filepath.Abs(dir)
		rel, err3 := filepath.Rel(base, abs)
		return err3 == nil && filepath.IsLocal(rel), errors.Join(err1, err2)
	}
	if err != nil {
		return false, err
	}
	real, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	if resolved, err := filepath.EvalSymlinks(real); err == nil {
		real = resolved
	} else if parent, err := filepath.EvalSymlinks(filepath.Dir(real)); err == nil {
		real = filepath.Join(parent, filepath.Base(real))
	}
	for ; ; real = filepath.Dir(real) {
		if info, err := os.Stat(real); err == nil && os.SameFile(info, container) {
			return true, nil
		}
		if real == filepath.Dir(real) {
			return false, nil
		}
	}
}

// Repository opens a backup to read it, or to write to it.
func (f Flags) Repository(write bool) (*backup.Repository, error) {
	key, err := backup.ReadKey(f.Key)
	if err != nil {
		return nil, err
	}
	if write {
		return backup.OpenToWrite(f.Dir, key)
	}
	return backup.Open(f.Dir, key)
}
