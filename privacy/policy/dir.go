package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PollEvery is how often a directory of policies is looked at.
const PollEvery = 2 * time.Second

// ReadFiles reads files by their paths, each under its own name.
func ReadFiles(paths []string) (Files, error) {
	out := Files{}
	for _, path := range paths {
		name := filepath.Base(path)
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("two files are named %s", name)
		}
		text, err := readFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read policies: %w", err)
		}
		out[name] = text
	}
	return out, nil
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1)) // what is longer is refused by its length
	return string(text), err
}

// ownWritten refuses what others may write: whoever writes the policies of a
// server decides who may ask.
func ownWritten(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read policies: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write %s (mode %#o). Run: chmod go-w %s", path, info.Mode().Perm(), path)
	}
	return nil
}

// filesIn reads the files of a directory that end in .cedar.
func filesIn(dir string) (Files, error) {
	if err := ownWritten(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read policies: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".cedar") && !strings.HasPrefix(e.Name(), ".") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no file that ends in .cedar: nothing would be permitted", dir)
	}
	if len(paths) > MaxFiles {
		return nil, fmt.Errorf("%s has more than %d files that end in .cedar", dir, MaxFiles)
	}
	for _, path := range paths {
		if err := ownWritten(path); err != nil {
			return nil, err
		}
	}
	return ReadFiles(paths)
}

// readDir puts the files in force unless they are already. mu is held.
func (s *Service) readDir(ctx context.Context) error {
	files, err := filesIn(s.Dir)
	if err != nil {
		return s.once(err.Error(), err)
	}
	digest := files.digest()
	if s.seen == digest {
		return nil
	}
	set, err := Parse(s.Schema, files)
	if err != nil {
		return s.once(digest, err)
	}
	if err := s.keep(ctx, set, SourceFiles, ""); err != nil {
		return err
	}
	s.seen = digest
	return nil
}

// errSeen stands for a fault that was reported before.
var errSeen = errors.New("reported before")

// once returns a fault the first time that files have it.
func (s *Service) once(state string, err error) error {
	if s.seen == state {
		return errSeen
	}
	s.seen = state
	return err
}

// Reload reads the directory again. Files that do not hold are refused with a log
// line, and what was in force stays.
func (s *Service) Reload(ctx context.Context) {
	if s.Dir == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.readDir(ctx); err != nil && !errors.Is(err, errSeen) && ctx.Err() == nil {
		s.Log.Error("the policies in the directory are refused; those in force stay", "error", err, "version", s.InForce())
	}
}

// Watch reads the directory again whenever it changes, and when it is told to,
// until ctx ends.
func (s *Service) Watch(ctx context.Context, told <-chan os.Signal) {
	if s.Dir == "" {
		told = nil
	}
	tick := time.NewTicker(PollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-told:
		case <-tick.C:
		}
		s.Reload(ctx)
	}
}
