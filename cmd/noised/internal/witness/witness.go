// Package witness holds a control store against what is known of it elsewhere: its
// high-water mark, and whether the directory was restored from a snapshot. A store that
// has forgotten what was spent is not served before somebody has accepted it.
package witness

import (
	"context"
	"errors"
	"fmt"

	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/highwater"
)

// Files are a control store and, if one was named, the file of its mark.
type Files struct {
	DB   *controldb.DB
	File *highwater.File // nil for none
	Path string          // of file, as it was given
	Dir  string
}

// With opens a data directory's ledger and, unless it is empty, the file of its
// mark, for as long as the work takes.
func With(ctx context.Context, dataDir, mark string, work func(*Files) error) (err error) {
	if err := datadir.Check(dataDir); err != nil {
		return err
	}
	l := &Files{Path: mark, Dir: dataDir}
	if mark != "" {
		if l.File, err = highwater.Open(mark, dataDir); err != nil {
			return datadir.Shown(err)
		}
	}
	if l.DB, err = datadir.OpenStore(ctx, dataDir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.DB.Close()) }()
	return work(l)
}

// OpenMark returns the file of the mark that a server was told of, or nil. It
// looks before the control store is opened, which may change it.
func OpenMark(path, dataDir string) (*highwater.File, error) {
	if path == "" {
		return nil, nil
	}
	f, err := highwater.Open(path, dataDir)
	if err != nil {
		return nil, fmt.Errorf("refusing to serve: %w", datadir.Shown(err))
	}
	return f, nil
}

// Guard has a store witnessed by its mark, if there is one.
func Guard(ctx context.Context, db *controldb.DB, f *highwater.File, path, dataDir string) error {
	if f == nil {
		return nil
	}
	if _, err := highwater.Start(ctx, f, db); err != nil {
		return fmt.Errorf("refusing to serve: %w", Advised(err, dataDir, path))
	}
	return nil
}
