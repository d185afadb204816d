package sandbox

import (
	"errors"
	"fmt"
	"strings"
)

// Options are what is left to a process.
type Options struct {
	Read    []string // files, and directories with all below, that may be read; those that are not there are left out
	Write   string   // the one directory that may be read and written; empty: none
	Require bool     // fail where a restriction cannot be had

	DataBytes  uint64 // of memory that holds data; 0: as it is
	FileBytes  uint64 // of the largest file that is written; 0: as it is
	OpenFiles  uint64 // 0: as it is
	CPUSeconds uint64 // 0: as it is
}

// Report says which restrictions are in force.
type Report struct {
	Files int  `json:"files"` // the version of Landlock that shuts files off; 0: nothing does
	Calls bool `json:"calls"` // whether system calls are filtered, and the network with them
}

// Whole reports whether every restriction is in force.
func (r Report) Whole() bool { return r.Files > 0 && r.Calls }

// Missing says what is not in force, for a log line and its reader.
func (r Report) Missing() string {
	var missing []string
	if r.Files == 0 {
		missing = append(missing, "files are not shut off (no Landlock)")
	}
	if !r.Calls {
		missing = append(missing, "the network and other programs are not shut off (no seccomp)")
	}
	return strings.Join(missing, "; ")
}

// ErrIncomplete is the error of what requires a sandbox where there is none.
var ErrIncomplete = errors.New("the system cannot shut a process off")

// require turns what is missing into an error where it is required.
func (o Options) require(r Report) error {
	if o.Require && !r.Whole() {
		return fmt.Errorf("%w: %s", ErrIncomplete, r.Missing())
	}
	return nil
}
