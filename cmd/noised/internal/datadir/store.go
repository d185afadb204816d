package datadir

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/noised/noised/cmd/noised/internal/build"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// Shown is an error without its code, for whoever runs the program.
func Shown(err error) error { return errors.New(privacy.AsError(err).Message) }

// OpenStore opens a data directory's control store, brought to this version of the
// program. What is wrong with it is said for whoever runs the program.
func OpenStore(ctx context.Context, dir string) (*controldb.DB, error) {
	db, err := controldb.OpenAs(ctx, ControlPath(dir), build.Current().Version)
	if err != nil {
		return nil, StoreError(ControlPath(dir), err)
	}
	return db, nil
}

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
