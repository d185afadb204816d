package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// CopiesDir is the directory, beside the store, for copies of it from before it was
// migrated.
const CopiesDir = "upgrade"

// Names in it: copies from before a migration, and stores that were put aside when
// somebody went back.
const (
	copyPrefix  = "before-"
	asidePrefix = "aside-"
	stamp       = "20060102T150405.000000000"
)

// keepCopy copies a store that is about to be migrated.
func keepCopy(ctx context.Context, db *sql.DB, path string, s Status) error {
	dir := filepath.Join(filepath.Dir(path), CopiesDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := fmt.Sprintf("%s%s-%05d.db", copyPrefix, time.Now().UTC().Format(stamp), s.Applied[len(s.Applied)-1])
	if err := CopyInto(ctx, db, filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Copies returns the paths of the copies that were made of a store before it was
// migrated, the oldest first.
func Copies(path string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(escape(filepath.Dir(path)), CopiesDir, copyPrefix+"*.db"))
	slices.Sort(found)
	return found, err
}

// escape makes a path a pattern that matches it alone.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// ForgetCopies removes copies and stores put aside that are older than a time. What
// was shredded in the store since, keys among it, is still in them.
func ForgetCopies(path string, before time.Time) error {
	dir := filepath.Join(filepath.Dir(path), CopiesDir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if info.ModTime().Before(before) {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// Back puts a copy in the place of a store, and the store aside, and returns the paths
// of both. It takes the newest copy that a program with these migrations knows,
// unless one is named. What was written to the store since the copy was made is
// forgotten then: it is for the caller to keep servers from it. Nobody may open the
// store meanwhile; unused is asked for that once it is known what to go back to.
func Back(ctx context.Context, path, chosen string, files fs.FS, unused func() error) (from, aside string, err error) {
	if from, err = choose(ctx, path, chosen, files); err != nil {
		return "", "", err
	}
	if err := unused(); err != nil {
		return "", "", err
	}
	part := path + ".part"
	_ = os.Remove(part) // of an attempt that was killed
	if err := again(ctx, from, part); err != nil {
		return "", "", err
	}
	aside = filepath.Join(filepath.Dir(path), CopiesDir, asidePrefix+time.Now().UTC().Format(stamp)+".db")
	// A second name first: at every moment there is a whole store at path.
	if err := os.Link(path, aside); err != nil {
		return "", "", err
	}
	if err := syncDir(filepath.Dir(aside)); err != nil {
		return "", "", err
	}
	if err := os.Rename(part, path); err != nil {
		return "", "", err
	}
	return from, aside, syncDir(filepath.Dir(path))
}

// again copies a copy.
func again(ctx context.Context, from, to string) (err error) {
	db, err := Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return CopyInto(ctx, db, to)
}

// choose returns the copy to go back to.
func choose(ctx context.Context, path, chosen string, files fs.FS) (string, error) {
	copies := []string{chosen}
	if chosen == "" {
		var err error
		if copies, err = Copies(path); err != nil {
			return "", err
		}
	}
	slices.Reverse(copies)
	for _, candidate := range copies {
		s, err := statusOfCopy(ctx, candidate, files)
		if err != nil {
			return "", fmt.Errorf("%s: %w", candidate, err)
		}
		if len(s.Unknown) == 0 {
			return candidate, nil
		}
	}
	return "", errors.New("there is no copy from before an upgrade that this program knows: restore a backup")
}

func statusOfCopy(ctx context.Context, path string, files fs.FS) (s Status, err error) {
	db, err := Open(path)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := Check(ctx, db); err != nil {
		return s, err
	}
	return StatusOf(ctx, db, files)
}
