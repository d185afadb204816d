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
	for _, path := range e.instances.paths() {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, path)
		}
	}
	if len(gone) > 0 {
		e.instances.forget(gone)
	}
}

// paths returns the files that instances have open, or are opening, each once.
func (c *instances) paths() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	var all []string
	for _, e := range c.byKey {
		for _, path := range e.paths {
			if !seen[path] {
				seen[path] = true
				all = append(all, path)
			}
		}
	}
	return all
}
