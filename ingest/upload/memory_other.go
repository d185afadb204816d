//go:build !linux

package upload

import (
	"errors"
	"os"
)

// inMemory is for systems that have such files.
func inMemory() (*os.File, error) { return nil, errors.ErrUnsupported }

func replace(*os.File, *os.File) error { return errors.ErrUnsupported }
