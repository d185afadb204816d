package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/ingest/segment"
)

// Names in a repository.
const (
	headFile     = "backup"
	lockFile     = "lock"
	filesDir     = "files"
	snapshotsDir = "snapshots"
)

// formatVersion is the version of the layout that this package writes.
const formatVersion = 1

// Repository holds snapshots of one data directory.
type Repository struct {
	dir  string
	id   string // random, and part of everything's name
	key  *Key
	lock *os.File // nil: for reading only
}

// head is the content of the file that says what the directory is.
type head struct {
	Format int    `json:"format"`
	ID     string `json:"id"`
	Proof  []byte `json:"proof"` // the id, encrypted
}

// IsRepository reports whether a directory holds a repository.
func IsRepository(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, headFile))
	return err == nil
}

// Create makes a repository in a directory that is missing or empty.
func Create(dir string, key *Key) error {
	if err := segment.MkdirAll(dir); err != nil {
		return err
	}
	if err := unused(dir); err != nil {
		return err
	}
	h := head{Format: formatVersion, ID: randomName()}
	var proof bytes.Buffer
	if err := sealAll(key, &proof, h.ID, []byte(h.ID)); err != nil {
		return err
	}
	h.Proof = proof.Bytes()
	for _, sub := range []string{filesDir, snapshotsDir} {
		if err := segment.MkdirAll(filepath.Join(dir, sub)); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return place(filepath.Join(dir, headFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// unused refuses a directory with anything in it, but for what making a repository
// leaves that was killed.
func unused(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		inner, err := os.ReadDir(filepath.Join(dir, e.Name()))
		empty := err == nil && len(inner) == 0 && (e.Name() == filesDir || e.Name() == snapshotsDir)
		if !empty && e.Name() != headFile+".part" {
			return fmt.Errorf("%s is not empty and no backup: choose a new directory", dir)
		}
	}
	return nil
}

// Open opens a repository to read it. Open it to write with [OpenToWrite].
func Open(dir string, key *Key) (*Repository, error) {
	text, err := os.ReadFile(filepath.Join(dir, headFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no backup. Make one with: noised backup --data-dir DATA_DIR --to %s --key-file FILE", dir, dir)
	}
	if err != nil {
		return nil, err
	}
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, fmt.Errorf("%s is damaged: its file %s is not what was written", dir, headFile)
	}
	if h.Format != formatVersion {
		return nil, fmt.Errorf("%s is a backup of format %d and this program knows format %d: use the version of noised that made it, or a later one", dir, h.Format, formatVersion)
	}
	proof, err := openAll(key, bytes.NewReader(h.Proof), h.ID)
	if err != nil || string(proof) != h.ID {
		return nil, fmt.Errorf("the key is not that of the backup in %s", dir)
	}
	return &Repository{dir: dir, id: h.ID, key: key}, nil
}

// OpenToWrite opens a repository and keeps others from writing to it until Close.
func OpenToWrite(dir string, key *Key) (*Repository, error) {
	r, err := Open(dir, key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another process writes to the backup in %s", dir)
	}
	r.lock = f
	return r, nil
}

// Close lets others write.
func (r *Repository) Close() {
	if r.lock != nil {
		_ = r.lock.Close()
	}
}

func (r *Repository) filePath(name string) string {
	return filepath.Join(r.dir, filesDir, name[:2], name)
}

// add copies a file into the repository and returns what it had. Nothing refers to
// the copy yet.
func (r *Repository) add(ctx context.Context, path string) (c Copied, err error) {
	from, err := os.Open(path)
	if err != nil {
		return Copied{}, err
	}
	defer func() { _ = from.Close() }()
	c.Name = randomName()
	sum := sha256.New()
	to := r.filePath(c.Name)
	if err := segment.MkdirAll(filepath.Dir(to)); err != nil {
		return Copied{}, err
	}
	err = place(to, func(w io.Writer) error {
		sealed, err := r.key.seal(w, r.nameOf("file", c.Name))
		if err != nil {
			return err
		}
		if c.Bytes, err = io.Copy(io.MultiWriter(sealed, sum), &cancellable{ctx: ctx, r: from}); err != nil {
			return err
		}
		return sealed.Close()
	})
	c.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return c, err
}

// read writes to w what a copied file had, and checks that it is what was copied.
func (r *Repository) read(ctx context.Context, c Copied, w io.Writer) error {
	if len(c.Name) < 2 {
		return errors.New("a copy without a name")
	}
	f, err := os.Open(r.filePath(c.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the copy %s is missing", c.Name)
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	plain, err := r.key.open(f, r.nameOf("file", c.Name))
	if err != nil {
		return fmt.Errorf("the copy %s is damaged: %w", c.Name, err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), &cancellable{ctx: ctx, r: plain})
	if err != nil {
		return fmt.Errorf("the copy %s: %w", c.Name, err)
	}
	if n != c.Bytes || hex.EncodeToString(sum.Sum(nil)) != c.SHA256 {
		return fmt.Errorf("the copy %s is not what was copied", c.Name)
	}
	return nil
}

// nameOf is what a file is sealed under: no file of this or another repository can
// stand for it.
func (r *Repository) nameOf(kind, name string) string {
	return "noised backup " + r.id + " " + kind + " " + name
}

// place writes a file under a passing name, makes it durable, and gives it its own:
// it is whole or not there.
func place(path string, fill func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := fill(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return segment.Rename(f.Name(), path)
}

func sealAll(key *Key, w io.Writer, name string, plain []byte) error {
	sealed, err := key.seal(w, name)
	if err != nil {
		return err
	}
	if _, err := sealed.Write(plain); err != nil {
		return err
	}
	return sealed.Close()
}

func openAll(key *Key, r io.Reader, name string) ([]byte, error) {
	plain, err := key.open(r, name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

func randomName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return hex.EncodeToString(b[:])
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
