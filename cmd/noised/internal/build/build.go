// Package build says which program this is. Stores and snapshots keep on record which
// one wrote them.
package build

import (
	"runtime"
	"runtime/debug"
)

// version is set by the linker (LDFLAGS in the Makefile).
var version string

// Info is what noised version prints.
type Info struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// Current returns which program this is.
func Current() Info {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	return Info{Version: v, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
}
