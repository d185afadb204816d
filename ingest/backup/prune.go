package backup

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/noised/noised/ingest/segment"
)

// Pruned is what pruning removed.
type Pruned struct {
	Snapshots []int `json:"snapshots"`
	Files     int   `json:"files"`
	Bytes     int64 `json:"bytes"` // in the repository
}

// Prune removes all snapshots but the newest ones, at least one of which stays, and the
// copies that only they had. A snapshot that cannot be read is not counted among
// those that stay, and stops it.
func (r *Repository) Prune(keep int) (p Pruned, err error) {
	all, err := r.Snapshots()
	if err != nil {
		return p, err
	}
	p.Snapshots = []int{}
	for _, s := range all[:max(0, len(all)-max(keep, 1))] {
		if err := os.Remove(r.snapshotPath(s.Number)); err != nil {
			return p, err
		}
		p.Snapshots = append(p.Snapshots, s.Number)
	}
	// The lists are gone for certain before anything that they name.
	if err := segment.SyncDir(filepath.Join(r.dir, snapshotsDir)); err != nil {
		return p, err
	}
	removed, err := r.collect()
	p.Files, p.Bytes = removed.Files, removed.Bytes
	return p, err
}

// collect removes copies that no snapshot names, and what was left half written.
func (r *Repository) collect() (p Pruned, err error) {
	all, err := r.Snapshots()
	if err != nil {
		return p, err // without all lists nobody knows what may go
	}
	used := map[string]bool{}
	for _, s := range all {
		used[s.Control.Name] = true
		for _, f := range s.Files {
			used[f.Name] = true
		}
	}
	found, err := filepath.Glob(filepath.Join(r.dir, filesDir, "??", "*"))
	if err != nil {
		return p, err
	}
	for _, path := range found {
		if used[filepath.Base(path)] {
			continue
		}
		info, err := os.Lstat(path)
		if err != nil {
			return p, err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return p, err
		}
		p.Files++
		p.Bytes += info.Size()
	}
	return p, nil
}
