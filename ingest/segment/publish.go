package segment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Extension is the suffix of a segment file's name.
const Extension = ".duckdb"

// RelPath returns where a segment lives, relative to the data directory and
// with slashes. Public tables, which belong to no tenant, have a place of their
// own.
func RelPath(tenant, dataset, id string) string {
	if tenant == "" {
		return "public/" + dataset + "/" + id + Extension
	}
	return "tenants/" + tenant + "/" + dataset + "/" + id + Extension
}

// Sealed describes a published file.
type Sealed struct {
	Bytes  int64
	SHA256 string
}

// Publish makes the finished file at from immutable and gives it its final
// name: read-only, synced, renamed into place, directory synced. When it
// returns nil the file survives a crash under its new name; when the process
// dies in between, it exists under the old name, the new one, or both are
// complete. The directory of to is created when missing. from and to must be
// on one file system.
func Publish(ctx context.Context, from, to string) (Sealed, error) {
	f, err := os.Open(from)
	if err != nil {
		return Sealed{}, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	n, err := io.Copy(h, &cancellable{ctx: ctx, r: f})
	if err != nil {
		return Sealed{}, err
	}
	if err := f.Chmod(0o400); err != nil {
		return Sealed{}, err
	}
	if err := f.Sync(); err != nil {
		return Sealed{}, err
	}
	if err := MkdirAll(filepath.Dir(to)); err != nil {
		return Sealed{}, err
	}
	if err := Rename(from, to); err != nil {
		return Sealed{}, err
	}
	return Sealed{Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// Rename renames a file and syncs the directory of its new name.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(to))
}

// MkdirAll creates a directory for the server's account only, with its missing
// parents, and makes their names durable.
func MkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &os.PathError{Op: "mkdir", Path: dir, Err: errors.New("not a directory")}
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return SyncDir(parent)
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// cancellable is a reader that ends with its context.
type cancellable struct {
	ctx context.Context // io.Copy has no other way to be cancelled
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
