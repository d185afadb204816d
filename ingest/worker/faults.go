package worker

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

// rejected is a refusal of the file that its sender can act upon.
func rejected(format string, args ...any) *privacy.Error {
	return privacy.Errorf(privacy.CodeLoadRejected, format, args...)
}

var (
	errMemory   = rejected("the file needs more memory than this server grants to one load")
	errDisk     = privacy.Errorf(privacy.CodeUnavailable, "the server has no room to load this file; try again later")
	errStopped  = privacy.Errorf(privacy.CodeUnavailable, "the load was stopped")
	errInternal = errors.New("a fault of DuckDB")
)

// environment translates err when it is about this machine and not about the
// file; otherwise it returns nil. DuckDB's own texts are never passed on: they
// quote rows and paths.
func (t *task) environment(ctx context.Context, err error) error {
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
		if t.diskIsFull() {
			return errDisk
		}
		return errMemory
	case duckdb.ErrorTypeIO:
		if t.diskIsFull() {
			return errDisk
		}
	default:
	}
	return nil
}

func (t *task) diskIsFull() bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(t.spec.Dir, &fs); err != nil {
		return false
	}
	return fs.Bavail*uint64(fs.Bsize) < lowDisk
}

// ours translates an error of a step that no file should be able to make fail.
func (t *task) ours(ctx context.Context, err error, step string) error {
	if err == nil {
		return nil
	}
	if known := t.environment(ctx, err); known != nil {
		return known
	}
	var d *duckdb.Error
	if errors.As(err, &d) {
		err = fmt.Errorf("%w (type %d)", errInternal, d.Type)
	}
	return privacy.Internal(err, step)
}

// traceOf describes an internal error for the log. Only texts of this package
// and of the operating system can be in it.
func traceOf(err error) string {
	var e *privacy.Error
	if errors.As(err, &e) && e.Cause != nil {
		return e.Cause.Error()
	}
	return "unknown fault"
}
