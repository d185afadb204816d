// Package atrest encrypts what lies in a data directory: it finds the keyset beside the
// directory, opens the keyring over the control store, and seals what was stored before
// there was a keyset.
package atrest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

// keysetSuffix is added to the data directory's name where no keyset is named.
const keysetSuffix = ".keyset"

// KeysetPath returns where a data directory's keyset is expected: beside it, so that
// a copy of the directory does not have it.
func KeysetPath(named, dataDir string) string {
	if named != "" {
		return named
	}
	return filepath.Clean(dataDir) + keysetSuffix
}

// MakeKeyset makes the keyset of a new data directory. One that is there is never
// taken: two directories with one keyset shut each other out when it is rotated.
func MakeKeyset(path, dataDir string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("the keyset %s is there already, and another directory's data may be encrypted with it: "+
			"name a file that is not with --keyset, or move it away if nothing is", path)
	}
	return shownIf(keyring.CreateFile(path, dataDir))
}

func shownIf(err error) error {
	if err == nil {
		return nil
	}
	return datadir.Shown(err)
}

// OpenKeyset opens the keyset of a data directory; without one it returns nil. One
// that was named must be there.
func OpenKeyset(named, dataDir string) (*keyring.File, error) {
	path := KeysetPath(named, dataDir)
	if _, err := os.Stat(path); named == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	f, err := keyring.OpenFile(path, dataDir)
	if err != nil {
		return nil, datadir.Shown(err)
	}
	return f, nil
}

// OpenRing opens the keyring over a control store. A store with data keys that the
// keyset does not open is refused: what they encrypt could not be read.
func OpenRing(ctx context.Context, db *controldb.DB, named, dataDir string) (*keyring.Ring, error) {
	file, err := OpenKeyset(named, dataDir)
	if err != nil {
		return nil, err
	}
	var kek keyring.Wrapper
	if file != nil {
		kek = file
	}
	ring := keyring.New(db, kek, time.Now)
	switch err := ring.Check(ctx); {
	case errors.Is(err, keyring.ErrOff):
		return nil, fmt.Errorf("what is in %s is encrypted and its keyset %s is missing. Put it back, or name it with --keyset FILE", dataDir, KeysetPath(named, dataDir))
	case err != nil:
		return nil, fmt.Errorf("the keyset %s does not open the data keys in %s: it is another directory's, or older than the last rotation, "+
			"or the control store is. Keys that a rotation disabled are enabled by: noised keyring enable ID", KeysetPath(named, dataDir), dataDir)
	}
	return ring, nil
}
