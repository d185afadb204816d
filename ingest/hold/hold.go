// Package hold keeps files from being removed while a backup copies them.
//
// Files of replaced data are removed some time after nobody needs them. A backup
// reads the names of files from the control store and then the files, which takes
// longer the more there is. So a backup takes the hold of the data directory, and
// whoever removes files removes none while it does not get it. The hold is a lock
// on the file backup.lock: it ends with the process, however that ends.
//
// The hold postpones what may wait. What must go at once, as an erasure demands,
// goes all the same; a backup then begins again with what is there.
package hold

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// File is the name of the lock in the data directory.
const File = "backup.lock"

// retry is the pause between two attempts to take the hold.
const retry = 50 * time.Millisecond

// ErrHeld says that another process has the hold.
var ErrHeld = errors.New("another backup of this data directory is running")

// Take waits until nobody else has the hold of a data directory and takes it. It
// gives up with [ErrHeld] when ctx ends first.
func Take(ctx context.Context, dir string) (release func(), err error) {
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for {
		release, ok, err := Try(dir)
		if err != nil || ok {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ErrHeld, ctx.Err())
		case <-tick.C:
		}
	}
}

// Try takes the hold if nobody else has it, and reports whether it did.
func Try(dir string) (release func(), ok bool, err error) {
	f, err := os.OpenFile(filepath.Join(dir, File), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return func() { _ = f.Close() }, true, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("locking %s: %w", File, err)
}
