package upload

import (
	"os"

	"golang.org/x/sys/unix"
)

// inMemory makes a file that is never on a disk.
func inMemory() (*os.File, error) {
	fd, err := unix.MemfdCreate("upload", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "upload"), nil
}
