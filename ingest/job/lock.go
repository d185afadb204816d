package job

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/privacy"
)

// lockRetry is the pause between two attempts to become the process that runs
// jobs.
const lockRetry = 500 * time.Millisecond

// becomeWriter waits until this process holds the data directory's writer
// lock. The lock ends with the process, however that ends. It returns nil when
// ctx ended first.
func (s *Service) becomeWriter(ctx context.Context) (*os.File, error) {
	f, err := os.OpenFile(s.lockPath(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, privacy.Internal(err, "opening the writer lock")
	}
	retry := time.NewTicker(lockRetry)
	defer retry.Stop()
	waiting := false
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			_ = f.Close()
			return nil, privacy.Internal(err, "taking the writer lock")
		}
		if !waiting {
			waiting = true
			s.o.Log.Info("another process runs the loads of this data directory; waiting to take over")
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, nil
		case <-retry.C:
		}
	}
}

// TryAlone takes the data directory's writer lock if no other process has it, and
// reports whether it did. Nobody runs loads until release is called.
func (s *Service) TryAlone() (release func(), ok bool, err error) {
	f, err := os.OpenFile(s.lockPath(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, privacy.Internal(err, "opening the writer lock")
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, false, nil
		}
		return nil, false, privacy.Internal(err, "taking the writer lock")
	}
	return func() { _ = f.Close() }, true, nil
}
