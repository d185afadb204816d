package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

// keysetSuffix is added to the data directory's name where no keyset is named.
const keysetSuffix = ".keyset"

// keysetPath returns where a data directory's keyset is expected: beside it, so that
// a copy of the directory does not have it.
func keysetPath(named, dataDir string) string {
	if named != "" {
		return named
	}
	return filepath.Clean(dataDir) + keysetSuffix
}

// makeKeyset makes the keyset of a new data directory. One that is there is never
// taken: two directories with one keyset shut each other out when it is rotated.
func makeKeyset(path, dataDir string) error {
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
	return shown(err)
}

// openKeyset opens the keyset of a data directory; without one it returns nil. One
// that was named must be there.
func openKeyset(named, dataDir string) (*keyring.File, error) {
	path := keysetPath(named, dataDir)
	if _, err := os.Stat(path); named == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	f, err := keyring.OpenFile(path, dataDir)
	if err != nil {
		return nil, shown(err)
	}
	return f, nil
}

// openRing opens the keyring over a control store. A store with data keys that the
// keyset does not open is refused: what they encrypt could not be read.
func openRing(ctx context.Context, db *controldb.DB, named, dataDir string) (*keyring.Ring, error) {
	file, err := openKeyset(named, dataDir)
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
		return nil, fmt.Errorf("what is in %s is encrypted and its keyset %s is missing. Put it back, or name it with --keyset FILE", dataDir, keysetPath(named, dataDir))
	case err != nil:
		return nil, fmt.Errorf("the keyset %s does not open the data keys in %s: it is another directory's, or older than the last rotation, "+
			"or the control store is. Keys that a rotation disabled are enabled by: noised keyring enable ID", keysetPath(named, dataDir), dataDir)
	}
	return ring, nil
}

// openKeys opens the keyring and says what is not encrypted.
func (m *Main) openKeys(ctx context.Context, p *parts, db *controldb.DB) (err error) {
	c := m.Config
	if p.ring, err = openRing(ctx, db, c.Keyset, c.DataDir); err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	if p.ring.On() { // so that the loss of the keyset is noticed before anything is sealed
		if _, err := p.ring.Key(ctx, nil, keyring.Scope{Name: "keyset"}); err != nil {
			return fmt.Errorf("refusing to serve: %w", err)
		}
	}
	if c.CryptoExtension != "" {
		if err := attached.CheckExtension(c.CryptoExtension); err != nil {
			return fmt.Errorf("refusing to load --crypto-extension %s: %w", c.CryptoExtension, err)
		}
	}
	if p.ring.On() && c.CryptoExtension != "" {
		p.crypto, err = filepath.Abs(c.CryptoExtension)
		m.Log.Info("what is at rest is encrypted", "keyset", keysetPath(c.Keyset, c.DataDir))
		return err
	}
	lacks := "data files and their temporary files are not encrypted: name DuckDB's httpfs extension with --crypto-extension FILE"
	if !p.ring.On() {
		lacks = "nothing at rest is encrypted: there is no keyset. Make one with: noised keyring init --data-dir " + quote(c.DataDir)
	}
	if c.RequireEncryption {
		return fmt.Errorf("refusing to serve, for --require-encryption is given and %s", lacks)
	}
	m.Log.Warn(lacks)
	return nil
}

// segmentKeys tells the engine the keys of segments by their paths.
func (m *Main) segmentKeys(ring *keyring.Ring) func(ctx context.Context, path string) ([]byte, error) {
	root := m.Config.DataDir + string(filepath.Separator)
	return func(ctx context.Context, path string) ([]byte, error) {
		relative, within := strings.CutPrefix(path, root)
		tenant, id, is := segment.Named(filepath.ToSlash(relative))
		if !within || !is || !ring.On() {
			return nil, nil
		}
		key, err := ring.Find(ctx, nil, segmentScope(tenant, id))
		if errors.Is(err, keyring.ErrNoKey) {
			return nil, nil
		}
		return key, err
	}
}

func segmentScope(tenant, id string) keyring.Scope {
	return keyring.Scope{Tenant: tenant, Name: segment.KeyName(id)}
}
