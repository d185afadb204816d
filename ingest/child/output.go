package child

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/privacy"
)

// onlyFiles removes what a worker that has ended left in the place of a file and is
// none, and fails if there was any. A worker that a file has taken over can make links
// in its directory. It cannot follow them out of it, but its server could: it would
// publish what one leads to as the tenant's rows, or show it as rows that were rejected.
func onlyFiles(dir string) (found error) {
	for _, name := range []string{build.SegmentFile, build.RejectsFile} {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return privacy.Internal(err, "looking at what a worker wrote")
		}
		if info.Mode().IsRegular() && !named(info) {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return privacy.Internal(err, "removing what a worker wrote")
		}
		found = errCrashed
	}
	return found
}

// named reports whether a file has other names, which may be another's.
func named(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}
