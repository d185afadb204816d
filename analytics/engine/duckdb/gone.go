package duckdb

import (
	"errors"
	"io/fs"
	"os"
)

// ForgetGone is [Engine.Forget] for the files that are there no more: those that another
// process of the same data directory removed, as an erasure does. Until they are closed
// what was in them is still on the disk.
func (e *Engine) ForgetGone() {
	var gone []string
	for _, path := range e.instances.Paths() {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, path)
		}
	}
	if len(gone) > 0 {
		e.instances.Forget(gone)
	}
}
