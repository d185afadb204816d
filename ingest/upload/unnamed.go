package upload

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// scratch is a file that reading an upload makes. Of a sealed upload it is a link
// to contents that have no name: in memory as far as they fit, and else on the disk,
// where they end with the process, however it ends.
type scratch struct {
	f       *os.File
	path    string
	memory  bool
	hidden  bool
	written int64
	u       *Upload
}

// create makes the file at path, which is new, to be written once.
func (u *Upload) create(path string) (*scratch, error) {
	if u.Open == nil {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return &scratch{f: f, path: path, u: u}, err
	}
	s := &scratch{path: path, hidden: true, memory: true, u: u}
	f, err := inMemory()
	if err != nil { // the system has no such files
		s.memory = false
		f, err = unnamed(u.Dir)
	}
	if err != nil {
		return nil, err
	}
	s.f = f
	return s, os.Symlink(linkTo(f), path)
}

// Write implements io.Writer.
func (s *scratch) Write(p []byte) (int, error) {
	if s.memory && s.written+int64(len(p)) > s.u.Memory-s.u.held {
		if err := s.toDisk(); err != nil {
			return 0, err
		}
	}
	n, err := s.f.Write(p)
	s.written += int64(n)
	return n, err
}

// toDisk moves what has outgrown memory.
func (s *scratch) toDisk() error {
	f, err := unnamed(s.u.Dir)
	if err != nil {
		return err
	}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err := io.Copy(f, s.f); err != nil {
		return errors.Join(err, f.Close())
	}
	_ = s.f.Close()
	s.f, s.memory = f, false
	if err := os.Remove(s.path); err != nil {
		return err
	}
	return os.Symlink(linkTo(f), s.path)
}

// Close ends the writing. A file without a name stays open, for nobody could open it
// again.
func (s *scratch) Close() error {
	if !s.hidden {
		return s.f.Close()
	}
	if s.memory {
		s.u.held += s.written
	}
	s.u.open = append(s.u.open, s.f)
	return nil
}

// Close lets go of the files without a name that reading has made.
func (u *Upload) Close() {
	for _, f := range u.open {
		_ = f.Close()
	}
	u.open, u.held = nil, 0
}

// linkTo is the path under which this process opens a file anew that it has open.
func linkTo(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

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
