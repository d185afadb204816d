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

// replace makes an open file stand for another, under the number that it has.
func replace(f, by *os.File) error {
	return unix.Dup3(int(by.Fd()), int(f.Fd()), unix.O_CLOEXEC)
}
