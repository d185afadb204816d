package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteBack has the system begin to write a range of a file to the disk. That
// it has arrived, or failed, only Sync tells.
func beginWriteBack(f *os.File, from, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE)
}
