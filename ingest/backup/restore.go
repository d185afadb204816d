package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/ingest/segment"
)

// RestoredFile is the name of the file by which a data directory says that it was
// restored and that nobody has decided yet whether it may be used.
const RestoredFile = "restored"

// Restored is the content of that file.
type Restored struct {
	Snapshot int       `json:"snapshot,omitempty"` // none for the copy from before an upgrade
	At       time.Time `json:"at"`                 // of the snapshot
	Log      Log       `json:"log"`
}

// Restore makes a data directory as a snapshot has it, at a path that is missing or an
// empty directory. Everything is checked as Verify does before the directory gets
// its name; when Restore fails, the path is as it was.
func (r *Repository) Restore(ctx context.Context, s *Snapshot, to string) (err error) {
	to, err = filepath.Abs(to)
	if err != nil {
		return err
	}
	if err := free(to); err != nil {
		return err
	}
	if err := segment.MkdirAll(filepath.Dir(to)); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(to), filepath.Base(to)+".restoring-") // mode 0700
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := r.fill(ctx, s, dir); err != nil {
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return err
	}
	if err := segment.Rename(dir, to); err != nil {
		return fmt.Errorf("the directory was restored and cannot get its name: %w", err)
	}
	return nil
}

// fill writes the files of a snapshot to a directory that nobody else knows.
func (r *Repository) fill(ctx context.Context, s *Snapshot, dir string) error {
	control := filepath.Join(dir, controlFile)
	if err := r.bring(ctx, s.Control, control, 0o600); err != nil {
		return fmt.Errorf("the control store: %w", err)
	}
	if err := checkControl(ctx, control, s); err != nil {
		return err
	}
	for _, f := range s.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := segment.MkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		if err := r.bring(ctx, f.Copied, path, f.Mode&0o600); err != nil {
			return fmt.Errorf("the file %s: %w", f.Path, err)
		}
		if err := os.Chtimes(path, time.Time{}, f.Modified); err != nil {
			return err
		}
	}
	if err := Mark(dir, Restored{Snapshot: s.Number, At: s.At, Log: s.Log}); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return segment.SyncDir(path)
	})
}

// Mark has a data directory say that its control store is older than it was.
func Mark(dataDir string, r Restored) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return place(filepath.Join(dataDir, RestoredFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// bring writes a copied file to a new one, makes it durable and checks it.
func (r *Repository) bring(ctx context.Context, c Copied, path string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := r.read(ctx, c, f); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return f.Sync()
}

// free refuses a path at which there is anything but an empty directory.
func free(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: restore to a new directory, and move the old one away rather than remove it", path)
	}
	return nil
}

// WasRestored returns what a data directory says of its restoration, nil if it was
// not restored or has been accepted since.
func WasRestored(dataDir string) (*Restored, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, RestoredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Restored
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&r); err != nil {
		return nil, fmt.Errorf("the file %s in the data directory is damaged", RestoredFile)
	}
	return &r, nil
}

// Accepted ends a data directory's state of being restored.
func Accepted(dataDir string) error {
	err := os.Remove(filepath.Join(dataDir, RestoredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return segment.SyncDir(dataDir)
}
