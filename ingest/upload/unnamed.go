package upload

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// scratch is a file that reading an upload makes. Of a sealed upload it has no name
// in any directory: its contents are in memory as far as they fit, and else on the
// disk, where they end with the process, however it ends.
type scratch struct {
	f       *os.File
	path    string // under which this process can open it anew
	memory  bool
	written int64
	u       *Upload
}

// create makes a file in the upload's directory, or one without a name, to be
// written once.
func (u *Upload) create(name string) (*scratch, error) {
	if u.Open == nil {
		path := filepath.Join(u.Dir, name)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return &scratch{f: f, path: path, u: u}, err
	}
	if s := u.rewritten; s != nil {
		u.rewritten = nil
		return s, nil
	}
	s := &scratch{memory: true, u: u}
	var err error
	if s.f, err = inMemory(); err != nil { // the system has no such files
		s.memory = false
		s.f, err = unnamed(u.Dir)
	}
	if err != nil {
		return nil, err
	}
	s.path = fmt.Sprintf("/proc/self/fd/%d", s.f.Fd())
	u.unnamed = append(u.unnamed, s)
	return s, nil
}

// Readable are the files that a source of this upload is read from, beyond those in
// its directory. The one that rewriting may fill is among them.
func (u *Upload) Readable() ([]string, error) {
	if u.Open == nil {
		return nil, nil
	}
	var err error
	if u.rewritten, err = u.create("rewritten"); err != nil {
		return nil, err
	}
	var paths []string
	for _, s := range u.unnamed {
		paths = append(paths, s.path)
	}
	return paths, nil
}

// Write implements io.Writer.
func (s *scratch) Write(p []byte) (int, error) {
	if s.memory && s.u.held+int64(len(p)) > s.u.Memory {
		if err := s.toDisk(); err != nil {
			return 0, err
		}
	}
	n, err := s.f.Write(p)
	s.written += int64(n)
	if s.memory {
		s.u.held += int64(n)
	}
	return n, err
}

// toDisk moves what has outgrown memory. It keeps its path.
func (s *scratch) toDisk() error {
	f, err := unnamed(s.u.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(f, s.f); err != nil {
		return err
	}
	if err := replace(s.f, f); err != nil {
		return err
	}
	s.memory = false
	s.u.held -= s.written
	return nil
}

// Close ends the writing. A file without a name stays open, for nobody could open it
// again.
func (s *scratch) Close() error {
	if s.u.Open == nil {
		return s.f.Close()
	}
	return nil
}

// Close lets go of the files without a name that reading has made.
func (u *Upload) Close() {
	for _, s := range u.unnamed {
		_ = s.f.Close()
	}
	u.unnamed, u.rewritten, u.held = nil, nil, 0
}

// unnamed makes a file on the disk of dir that nobody else can open.
func unnamed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "unnamed-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
