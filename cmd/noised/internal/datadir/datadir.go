// Package datadir is the layout of a data directory: what is in it, how one is made,
// which ones a program refuses to touch, and how a file is kept outside one.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/cmd/noised/internal/screen"
)

// dataFormat is the version of the data directory's layout. A directory says
// which one it has in its file "format"; a server only touches its own.
const dataFormat = "noised data directory, format 1"

// Names in the data directory.
const (
	formatFile  = "format"
	ControlFile = "control.db"
	TmpDir      = "tmp"
)

// ControlPath returns where a data directory's control store is.
func ControlPath(dir string) string { return filepath.Join(dir, ControlFile) }

// Create makes an empty, private data directory. It refuses one that
// holds anything, so that a mistyped path destroys nothing.
func Create(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot create the data directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot read the data directory: %w", err)
	}
	for _, e := range entries {
		if e.Name() == formatFile {
			return fmt.Errorf("%s is initialised already; its operator key was shown then. Start it with: noised serve --data-dir %s", dir, screen.Quote(dir))
		}
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: choose a new directory", dir)
	}
	return checkPrivate(dir)
}

// Complete writes the format file. It is written last, so that a directory
// with one is complete.
func Complete(dir string) error {
	path := filepath.Join(dir, formatFile)
	if err := os.WriteFile(path, []byte(dataFormat+"\n"), 0o600); err != nil {
		return fmt.Errorf("cannot mark the data directory: %w", err)
	}
	return nil
}

// Check refuses a directory that is missing, not initialised, of another
// format, or readable by others.
func Check(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist. Create it with: noised init --data-dir %s", dir, screen.Quote(dir))
	}
	if err != nil {
		return fmt.Errorf("cannot read the data directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	format, err := os.ReadFile(filepath.Join(dir, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not a data directory. Create one with: noised init --data-dir DIR", dir)
	}
	if err != nil {
		return fmt.Errorf("cannot read the data directory: %w", err)
	}
	if got := strings.TrimSpace(string(format)); got != dataFormat {
		return fmt.Errorf("refusing %s: it says %q and this program writes %q. Use the version of noised that made it", dir, got, dataFormat)
	}
	// Opening would make an empty control store, which has forgotten every budget.
	if _, err := os.Stat(filepath.Join(dir, ControlFile)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("refusing %s: its control store %s is missing, and with it every key, budget and charge. Put it back, or begin anew in another directory", dir, ControlFile)
	}
	return checkPrivate(dir)
}

// checkPrivate refuses a directory that anybody but its owner may enter.
func checkPrivate(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("cannot read the data directory: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("refusing %s: others on this machine may read the tenants' data in it (mode %#o). Run: chmod 700 %s", dir, perm, screen.Quote(dir))
	}
	return nil
}
