//go:build !linux

package highwater

import "os"

// syncData brings the file to disk.
func syncData(file *os.File) error { return file.Sync() }
