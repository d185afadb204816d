package highwater

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData brings what was written to disk. The file's size and place do not
// change, so that its metadata may wait.
func syncData(file *os.File) error { return unix.Fdatasync(int(file.Fd())) }
