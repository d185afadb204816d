package backup

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/schema"
	"github.com/noised/noised/privacy/translog"
)

// wanted is a file that belongs into a snapshot.
type wanted struct {
	path   string // relative to the data directory, with slashes
	needed bool   // in force: without it the snapshot is worth nothing
	bytes  int64
	sha256 string // as the control store has it; empty where that says nothing
}

// sameAs reports whether a file is the one that was copied before. A segment never
// changes; others are told by size and time.
func (w wanted) sameAs(f File, info fs.FileInfo) bool {
	if w.sha256 != "" {
		return f.SHA256 == w.sha256 && f.Bytes == w.bytes
	}
	return f.Bytes == info.Size() && f.Modified.Equal(info.ModTime())
}

// describe reads a copy of the control store: what it is, and which files go with it.
func (t *taking) describe(ctx context.Context, control string, s *Snapshot) ([]wanted, error) {
	db, err := schema.Open(control)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	if err := identify(ctx, db, s); err != nil {
		return nil, err
	}
	if t.before != nil && t.before.Store != s.Store {
		return nil, fmt.Errorf("%s has snapshots of another data directory: choose another one", t.r.dir)
	}
	files, err := segments(ctx, db)
	if err != nil {
		return nil, err
	}
	waiting, err := names(ctx, db, `SELECT id FROM loads WHERE state IN ('pending', 'running')`)
	if err != nil {
		return nil, err
	}
	more, err := besides(t.o.DataDir, waiting)
	return append(files, more...), err
}

// identify reads which store a copy is and how far it has come.
func identify(ctx context.Context, db *sql.DB, s *Snapshot) error {
	if err := db.QueryRowContext(ctx, `SELECT id FROM store_identity`).Scan(&s.Store); err != nil {
		return fmt.Errorf("reading the control store's identity: %w", err)
	}
	size, root, err := translog.Head(ctx, db)
	if err != nil {
		return fmt.Errorf("reading the control store's log: %w", err)
	}
	s.Log = Log{Size: size, Root: root.String()}
	return nil
}

// segments returns the files of rows that a control store names. Those that nothing
// in force has may be gone: a sweep removes a file before it forgets it. The store may
// be of any version: a backup comes before an upgrade.
func segments(ctx context.Context, db *sql.DB) ([]wanted, error) {
	merged := "replaced_at IS NOT NULL"
	var known bool // to stores of before segments were merged
	if err := db.QueryRowContext(ctx, `SELECT count(*) > 0 FROM pragma_table_info('segments') WHERE name = 'replaced_at'`).Scan(&known); err != nil {
		return nil, fmt.Errorf("reading the names of files: %w", err)
	}
	if !known {
		merged = "0"
	}
	rows, err := db.QueryContext(ctx, `SELECT path, bytes, sha256, NOT (`+merged+`) AND EXISTS (
			SELECT 1 FROM generation_segments gs JOIN generations g ON g.id = gs.generation
			WHERE gs.segment = s.id AND g.superseded_at IS NULL)
		FROM segments s ORDER BY path`)
	if err != nil {
		return nil, fmt.Errorf("reading the names of files: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []wanted
	for rows.Next() {
		var w wanted
		if err := rows.Scan(&w.path, &w.bytes, &w.sha256, &w.needed); err != nil {
			return nil, fmt.Errorf("reading the names of files: %w", err)
		}
		all = append(all, w)
	}
	return all, rows.Err()
}

func names(ctx context.Context, db *sql.DB, query string) (map[string]bool, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all[name] = true
	}
	return all, rows.Err()
}

// besides returns the files of a data directory that the control store does not name
// one by one: rejected rows, uploads of loads that wait, and whatever else servers
// keep there. Left out are what a start makes anew, the store itself, segments
// that are not on record, and copies of the store from before an upgrade.
func besides(dataDir string, waiting map[string]bool) ([]wanted, error) {
	var all []wanted
	err := filepath.WalkDir(dataDir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // it went while this walked
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dataDir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (rel == scratchDir || rel == controldb.CopiesDir):
			return filepath.SkipDir
		case !d.Type().IsRegular(), strings.HasPrefix(rel, controlFile), strings.HasSuffix(rel, ".lock"), rel == RestoredFile,
			strings.HasSuffix(rel, segment.Extension):
			return nil
		}
		if load, ok := strings.CutPrefix(rel, "spool/"); ok && !waiting[strings.TrimSuffix(load, ".upload")] {
			return nil
		}
		all = append(all, wanted{path: rel})
		return nil
	})
	return all, err
}
