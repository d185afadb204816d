// Package controltest opens control stores for tests. Making one runs every
// migration, which under the race detector takes most of a second; here that is
// done once in a process, and each test begins with a copy of the file.
//
// All copies have one store's identity. Tests for which two stores are two open
// them with controldb.Open.
package controltest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/noised/noised/privacy/controldb"
)

// Open opens the control store at path, which is a new one where there is no file,
// until the test ends.
func Open(tb testing.TB, path string) *controldb.DB {
	tb.Helper()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		fresh, err := empty()
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, fresh, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	db, err := controldb.Open(context.Background(), path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// empty returns the bytes of a store that has been migrated and closed.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "noised-controltest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "control.db")
	db, err := controldb.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // with which the write-ahead log is in the file
		return nil, err
	}
	return os.ReadFile(path)
})
