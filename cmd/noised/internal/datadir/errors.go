package datadir

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/noised/noised/privacy"
)

// Shown is an error without its code, for whoever runs the program.
func Shown(err error) error { return errors.New(privacy.AsError(err).Message) }

// StoreError says why a control store does not open, to whoever runs the server.
func StoreError(path string, err error) error {
	if internal := privacy.AsError(err); internal.Cause != nil {
		err = internal.Cause
	}
	if damaged := strings.Contains(err.Error(), "malformed") || strings.Contains(err.Error(), "not a database"); damaged && filepath.Base(path) == ControlFile {
		return fmt.Errorf("%s: %w. It is damaged: keep it as it is, and restore the newest snapshot that verifies to a new directory", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
