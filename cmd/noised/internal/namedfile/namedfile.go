// Package namedfile reads files that somebody named: none that is larger than what it
// is for, and secrets only where nobody else on the machine may read them.
package namedfile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/noised/noised/cmd/noised/internal/screen"
)

// ErrTooLarge is why a file was not read to its end.
var ErrTooLarge = errors.New("it is too large")

// Read returns what a file holds, which is at most so many bytes.
func Read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := ReadAll(f, most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// ReadAll returns what a stream holds, which is at most so many bytes. It cuts nothing
// off: half a document may be one that says something else.
func ReadAll(r io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, most)
	}
	return text, nil
}

// ReadSecret returns what a file of a secret holds. What says in words which secret it is.
func ReadSecret(path, what string, most int64) ([]byte, error) {
	if err := Private(path, what); err != nil {
		return nil, err
	}
	text, err := Read(path, most)
	if err != nil {
		return nil, fmt.Errorf("cannot read the %s: %w", what, err)
	}
	return text, nil
}

// Private refuses a secret that others may read.
func Private(path, what string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read the %s: %w", what, err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("refusing the %s %s: others may read it (mode %#o). Run: chmod 600 %s", what, path, perm, screen.Quote(path))
	}
	return nil
}
