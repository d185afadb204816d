package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/ingest/hold"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy/controldb"
)

// Names in a data directory.
const (
	controlFile = "control.db"
	scratchDir  = "tmp"
)

// Options say what to take a snapshot of.
type Options struct {
	DataDir string
	Program string           // the version of the program that takes it
	Now     func() time.Time // the clock
	Wait    time.Duration    // for a sweep, or for another backup; a minute if 0
}

// attempts is how often a snapshot begins again because files that are in force went
// meanwhile.
const attempts = 5

// gone says that a file which the control store has in force was not there.
type gone struct{ path string }

func (g *gone) Error() string { return fmt.Sprintf("the file %s is missing", g.path) }

// Take adds a snapshot of a data directory to the repository. Servers may go on
// meanwhile. A repository has snapshots of one data directory only.
func (r *Repository) Take(ctx context.Context, o Options) (*Snapshot, error) {
	dir, release, err := Scratch(ctx, o.DataDir, o.Wait)
	if err != nil {
		return nil, err
	}
	defer release()
	t := &taking{r: r, o: o, scratch: dir, known: map[string]File{}, had: map[string]bool{}}
	if err := t.lookBack(); err != nil {
		return nil, err
	}
	for range attempts {
		var s *Snapshot
		if s, err = t.attempt(ctx); err == nil {
			_, err = r.collect() // of what attempts before this one copied, too
			return s, err
		}
		var g *gone
		if !errors.As(err, &g) {
			break
		}
	}
	return nil, err
}

// Scratch takes the hold of a data directory and makes a directory in it for copies of
// the control store, until release. Leftovers of whoever was killed are removed.
func Scratch(ctx context.Context, dataDir string, wait time.Duration) (dir string, release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, max(wait, time.Minute))
	defer cancel()
	letGo, err := hold.Take(ctx, dataDir)
	if err != nil {
		return "", nil, err
	}
	if err = removeScratch(dataDir); err == nil {
		dir, err = os.MkdirTemp(filepath.Join(dataDir, scratchDir), scratchPrefix)
	}
	if err != nil {
		letGo()
		return "", nil, err
	}
	return dir, func() {
		_ = os.RemoveAll(dir)
		letGo()
	}, nil
}

// taking is a snapshot in the making.
type taking struct {
	r       *Repository
	o       Options
	scratch string
	next    int             // the snapshot's number
	before  *Snapshot       // nil: this is the first one
	known   map[string]File // what earlier snapshots and attempts have, by path
	had     map[string]bool // paths in the snapshot before
}

// lookBack learns what need not be copied again.
func (t *taking) lookBack() error {
	all, err := t.r.Snapshots()
	if err != nil {
		return err
	}
	t.next = 1
	for _, s := range all {
		t.next, t.before = s.Number+1, s
		for _, f := range s.Files {
			t.known[f.Path] = f
		}
	}
	if t.before != nil {
		for _, f := range t.before.Files {
			t.had[f.Path] = true
		}
	}
	return nil
}

// attempt takes the snapshot unless a file that is in force is not there.
func (t *taking) attempt(ctx context.Context) (*Snapshot, error) {
	control := filepath.Join(t.scratch, controlFile)
	if err := os.Remove(control); err != nil && !errors.Is(err, os.ErrNotExist) { // of the attempt before
		return nil, err
	}
	s := &Snapshot{Number: t.next, At: t.o.Now().UTC(), Program: t.o.Program}
	if err := controldb.Copy(ctx, filepath.Join(t.o.DataDir, controlFile), control); err != nil {
		return nil, err
	}
	wanted, err := t.describe(ctx, control, s)
	if err != nil {
		return nil, err
	}
	if s.Control, err = t.r.add(ctx, control); err != nil {
		return nil, err
	}
	s.Written = s.Control.Bytes
	for _, w := range wanted {
		if err := t.file(ctx, s, w); err != nil {
			return nil, err
		}
	}
	for _, f := range s.Files {
		delete(t.had, f.Path)
	}
	s.Removed = len(t.had)
	return s, t.r.save(s)
}

// file adds one file to the snapshot, and copies it unless that was done before.
func (t *taking) file(ctx context.Context, s *Snapshot, w wanted) error {
	path := filepath.Join(t.o.DataDir, filepath.FromSlash(w.path))
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		if w.needed {
			return &gone{path: w.path}
		}
		return nil
	}
	if err != nil {
		return err
	}
	f, ok := t.known[w.path]
	if !ok || !w.sameAs(f, info) {
		if f.Copied, err = t.r.add(ctx, path); errors.Is(err, os.ErrNotExist) && !w.needed {
			return nil
		} else if errors.Is(err, os.ErrNotExist) {
			return &gone{path: w.path}
		} else if err != nil {
			return err
		}
		if w.sha256 != "" && (f.SHA256 != w.sha256 || f.Bytes != w.bytes) {
			return fmt.Errorf("the file %s is not what the control store says that it is: it was changed or damaged. Restore it from an earlier snapshot", w.path)
		}
		f.Path, f.Mode, f.Modified = w.path, info.Mode().Perm(), info.ModTime().UTC()
		t.known[w.path] = f
		s.Added++
		s.Written += f.Bytes
	}
	s.Files = append(s.Files, f)
	return nil
}

// scratchPrefix begins the names of directories of copies in the making.
const scratchPrefix = "backup-"

// removeScratch removes what a backup that was killed has left. The caller has the
// hold.
func removeScratch(dataDir string) error {
	if err := segment.MkdirAll(filepath.Join(dataDir, scratchDir)); err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(dataDir, scratchDir, scratchPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}
