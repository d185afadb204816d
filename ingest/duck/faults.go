package duck

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/duckdb/duckdb-go/v2"
	"golang.org/x/sys/unix"

	"github.com/noised/noised/privacy"
)

// lowDisk is the free space in bytes below which a failed write is taken for a
// full disk.
const lowDisk = 32 << 20

var (
	errMemory   = privacy.Errorf(privacy.CodeLoadRejected, "the file needs more memory than this server grants to one load")
	errDisk     = privacy.Errorf(privacy.CodeUnavailable, "the server has no room to load this file; try again later")
	errStopped  = privacy.Errorf(privacy.CodeUnavailable, "the load was stopped")
	errInternal = errors.New("a fault of DuckDB")
)

// Environment translates err when it is about this machine, on which the
// worker's directory is, and not about the file; otherwise it returns nil.
// DuckDB's own texts are never passed on: they quote rows and paths.
func Environment(ctx context.Context, dir string, err error) error {
	var e *privacy.Error
	if errors.As(err, &e) {
		return e
	}
	if ctx.Err() != nil {
		return errStopped
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errDisk
	}
	var d *duckdb.Error
	if !errors.As(err, &d) {
		return nil
	}
	switch d.Type {
	case duckdb.ErrorTypeOutOfMemory:
		if diskIsFull(dir) {
			return errDisk
		}
		return errMemory
	case duckdb.ErrorTypeIO:
		if diskIsFull(dir) {
			return errDisk
		}
	default:
	}
	return nil
}

func diskIsFull(dir string) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false
	}
	return fs.Bavail*uint64(fs.Bsize) < lowDisk
}

// Ours translates an error of a step that no file should be able to make fail.
func Ours(ctx context.Context, dir string, err error, step string) error {
	if err == nil {
		return nil
	}
	if known := Environment(ctx, dir, err); known != nil {
		return known
	}
	var d *duckdb.Error
	if errors.As(err, &d) {
		err = fmt.Errorf("%w (type %d)", errInternal, d.Type)
	}
	return privacy.Internal(err, step)
}
