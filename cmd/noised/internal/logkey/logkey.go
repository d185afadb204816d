// Package logkey keeps the key that signs a data directory's log: beside the directory,
// on the log's record, and readable by its owner alone.
package logkey

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/namedfile"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// suffix is added to the data directory's name where no log key is named.
const suffix = ".logkey"

// MaxFile bounds what is read as a key.
const MaxFile = 4 << 10

// Path returns where the key that signs a data directory's log is expected:
// beside it, so that whoever has a copy of the directory cannot sign another past.
func Path(named, dataDir string) string {
	if named != "" {
		return named
	}
	return filepath.Clean(dataDir) + suffix
}

// Make makes a key for a store's log and puts it on the log's record. One
// that is there belongs to another log, or is to be replaced: it is kept aside.
func Make(ctx context.Context, path, dataDir string, db *controldb.DB, by string) (verifier string, err error) {
	if err := datadir.Outside(path, dataDir, "the log key"); err != nil {
		return "", err
	}
	store, err := db.Identity(ctx)
	if err != nil {
		return "", err
	}
	file, verifier, err := translog.NewKey(store)
	if err != nil {
		return "", fmt.Errorf("cannot make the log key: %w", err)
	}
	if err := datadir.PutAside(path); err != nil {
		return "", fmt.Errorf("cannot put the old log key aside: %w", err)
	}
	if err := datadir.WriteSecret(path, file); err != nil {
		return "", fmt.Errorf("cannot write the log key: %w", err)
	}
	return verifier, Adopt(ctx, db, verifier, by)
}

// Adopt puts a key on the log's record, unless it is there.
func Adopt(ctx context.Context, db *controldb.DB, verifier, by string) error {
	return db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return translog.Adopt(ctx, tx, verifier, by, time.Now()) })
}

// Read reads the key of a store's log. fs.ErrNotExist where there is none.
func Read(ctx context.Context, path string, db *controldb.DB) (*translog.Key, error) {
	data, err := namedfile.ReadSecret(path, "log key", MaxFile)
	if err != nil {
		return nil, err
	}
	key, err := translog.ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("refusing %s: %w", path, err)
	}
	store, err := db.Identity(ctx)
	if err != nil {
		return nil, err
	}
	if key.Name() != translog.LogName(store) {
		return nil, fmt.Errorf("refusing %s: it signs the log %s, and this one is %s", path, key.Name(), translog.LogName(store))
	}
	return key, nil
}
