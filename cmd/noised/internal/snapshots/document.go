package snapshots

import (
	"time"

	"github.com/noised/noised/ingest/backup"
)

// snapshotDocument is a snapshot as --format json shows it.
type snapshotDocument struct {
	Snapshot int        `json:"snapshot"`
	At       time.Time  `json:"at"`
	Program  string     `json:"program"`
	Store    string     `json:"store"`
	Log      backup.Log `json:"log"`
	Files    int        `json:"files"`
	Bytes    int64      `json:"bytes"`
	Added    int        `json:"files_added"`
	Removed  int        `json:"files_removed"`
	Written  int64      `json:"bytes_copied"`
}

func describeSnapshot(s *backup.Snapshot) snapshotDocument {
	return snapshotDocument{
		Snapshot: s.Number, At: s.At, Program: s.Program, Store: s.Store, Log: s.Log, Files: len(s.Files), Bytes: s.Bytes(),
		Added: s.Added, Removed: s.Removed, Written: s.Written,
	}
}
