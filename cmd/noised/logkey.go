package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// logKeySuffix is added to the data directory's name where no log key is named.
const logKeySuffix = ".logkey"

// maxKeyFile bounds what is read as a key.
const maxKeyFile = 4 << 10

// logKeyPath returns where the key that signs a data directory's log is expected:
// beside it, so that whoever has a copy of the directory cannot sign another past.
func logKeyPath(named, dataDir string) string {
	if named != "" {
		return named
	}
	return filepath.Clean(dataDir) + logKeySuffix
}

// outside refuses a path within the data directory.
func outside(path, dataDir, what string) error {
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

// makeLogKey makes a key for a store's log and puts it on the log's record. One
// that is there belongs to another log, or is to be replaced: it is kept aside.
func makeLogKey(ctx context.Context, path, dataDir string, db *controldb.DB, by string) (verifier string, err error) {
	if err := outside(path, dataDir, "the log key"); err != nil {
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
	if err := putAside(path); err != nil {
		return "", fmt.Errorf("cannot put the old log key aside: %w", err)
	}
	if err := writeSecret(path, file); err != nil {
		return "", fmt.Errorf("cannot write the log key: %w", err)
	}
	return verifier, adoptLogKey(ctx, db, verifier, by)
}

// putAside renames a file, if it is there, to a name that none has.
func putAside(path string) error {
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

func adoptLogKey(ctx context.Context, db *controldb.DB, verifier, by string) error {
	return db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return translog.Adopt(ctx, tx, verifier, by, time.Now()) })
}

// writeSecret writes a new file that its owner alone may read, to the disk.
func writeSecret(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// readLogKey reads the key of a store's log. fs.ErrNotExist where there is none.
func readLogKey(ctx context.Context, path string, db *controldb.DB) (*translog.Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the log key: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fmt.Errorf("refusing the log key %s: others may read it (mode %#o). Run: chmod 600 %s", path, perm, quote(path))
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("refusing %s: it is not the key of a log", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the log key: %w", err)
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

// openLogKey opens the key that signs the log; without one nothing is signed, and
// the server says so. A key that the log does not know is refused: when each began
// to sign is on the record.
func (m *Main) openLogKey(ctx context.Context, p *parts, db *controldb.DB) error {
	c := m.Config
	path := logKeyPath(c.LogKey, c.DataDir)
	key, err := readLogKey(ctx, path, db)
	if errors.Is(err, fs.ErrNotExist) && c.LogKey == "" {
		signed, err := translog.Signed(ctx, db)
		if err != nil {
			return err
		}
		lacks := "it has no key. Make one with: noised log key --data-dir " + quote(c.DataDir)
		if signed {
			lacks = "its key " + path + " is missing. Put it back, or name it with --log-key FILE"
		}
		m.Log.Warn("the log is not signed, and there are no receipts: " + lacks)
		return nil
	}
	if err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	known, err := translog.Adopted(ctx, db, key.Verifier())
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("refusing to serve: the log does not know its key %s. Put it on the record with: noised log key --data-dir %s", path, quote(c.DataDir))
	}
	p.logKey = key
	return nil
}

// readVerifier reads the public half of a log's key, given as it is or in a file.
func readVerifier(given string) (string, error) {
	if _, err := translog.ParseVerifier(given); err == nil {
		return strings.TrimSpace(given), nil
	}
	data, err := readSmall(given, maxKeyFile)
	if err != nil {
		return "", fmt.Errorf("--verifier is neither a verifier key nor a file with one: %w", err)
	}
	text := strings.TrimSpace(string(data))
	if _, err := translog.ParseVerifier(text); err != nil {
		return "", fmt.Errorf("%s: %w", given, err)
	}
	return text, nil
}

// readSmall reads a file of no more than so many bytes.
func readSmall(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s is too large", path)
	}
	return os.ReadFile(path)
}

// signedBy finds the checkpoint's key among some.
func signedBy(signed []byte, verifiers []string) (c translog.Checkpoint, err error) {
	for _, text := range verifiers {
		key, perr := translog.ParseVerifier(text)
		if perr != nil {
			return c, perr
		}
		if c, err = translog.OpenCheckpoint(signed, key); err == nil {
			return c, nil
		}
	}
	return c, err
}

func internalOf(err error) error {
	if e := privacy.AsError(err); e.Cause != nil {
		return e.Cause
	}
	return err
}
