package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/cmd/noised/internal/build"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/schema"
)

// checkDocument is what stands before an upgrade, as --format json shows it.
type checkDocument struct {
	Program     string             `json:"program"`      // this one
	LastProgram string             `json:"last_program"` // that changed the schema; empty where it is not on record
	Migrations  []schema.Migration `json:"migrations"`   // to be done
	Formats     []formatDocument   `json:"formats"`      // of files with data in force
	Log         backup.Log         `json:"log"`
	StoreBytes  int64              `json:"store_bytes"`
	FreeBytes   int64              `json:"free_bytes"`
	NeededBytes int64              `json:"needed_bytes"`
	Copies      []string           `json:"copies"`
	Backup      *backupAge         `json:"backup,omitempty"`
	Problems    []string           `json:"problems"` // that stand in the way
	Warnings    []string           `json:"warnings"`
}

// formatDocument is a format_version of data files.
type formatDocument struct {
	Version     int  `json:"format_version"`
	Generations int  `json:"generations"`
	Known       bool `json:"known"`
}

// backupAge is how far a backup's newest snapshot is behind.
type backupAge struct {
	Snapshot int       `json:"snapshot"`
	At       time.Time `json:"at"`
	Behind   int64     `json:"log_entries_behind"`
}

// room is what an upgrade needs beside the store, for each byte of it: a copy of it,
// and what a migration writes anew, with its journal.
const room = 4

func checkUpgrade(ctx context.Context, a *command.App, f upgradeFlags) error {
	doc := &checkDocument{Program: build.Current().Version, Problems: []string{}, Warnings: []string{}}
	if err := f.copyOf(ctx, func(path string) error { return doc.look(ctx, path) }); err != nil {
		return err
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(f.DataDir, &disk); err != nil {
		return err
	}
	doc.FreeBytes = int64(disk.Bavail) * int64(disk.Bsize)
	if len(doc.Migrations) > 0 {
		doc.NeededBytes = room * doc.StoreBytes
	}
	if doc.FreeBytes < doc.NeededBytes {
		doc.problem("the disk has %d bytes free, and the upgrade may need %d", doc.FreeBytes, doc.NeededBytes)
	}
	var err error
	copies, err := schema.Copies(f.control())
	doc.Copies = append([]string{}, copies...)
	if err != nil {
		return err
	}
	if err := doc.age(f); err != nil {
		return err
	}
	if err := a.Print(doc, doc.write); err != nil {
		return err
	}
	if len(doc.Problems) > 0 {
		return &command.ExitError{Code: command.ExitFailure}
	}
	return nil
}

func (d *checkDocument) problem(format string, args ...any) {
	d.Problems = append(d.Problems, fmt.Sprintf(format, args...))
}

// look reads a copy of the control store.
func (d *checkDocument) look(ctx context.Context, path string) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	d.StoreBytes = info.Size()
	db, err := schema.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	status, err := schema.StatusOf(ctx, db, controldb.Migrations())
	if err != nil {
		return err
	}
	d.LastProgram, d.Migrations = status.Program, append([]schema.Migration{}, status.Pending...)
	for _, n := range status.Unknown {
		d.problem("the control store has migration %d, which this program does not know: a later one wrote it", n)
	}
	if d.Log, err = backup.CheckStore(ctx, db); err != nil {
		d.problem("%s", err)
		return nil
	}
	rows, err := db.QueryContext(ctx, `SELECT format_version, count(*) FROM generations WHERE superseded_at IS NULL GROUP BY format_version ORDER BY format_version`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var v formatDocument
		if err := rows.Scan(&v.Version, &v.Generations); err != nil {
			return err
		}
		if v.Known = v.Version >= 1 && v.Version <= segment.FormatVersion; !v.Known {
			d.problem("%d generations have data files of format_version %d; this program knows 1 to %d", v.Generations, v.Version, segment.FormatVersion)
		}
		d.Formats = append(d.Formats, v)
	}
	return rows.Err()
}

// age says how old the newest snapshot is.
func (d *checkDocument) age(f upgradeFlags) error {
	if f.Dir == "" {
		d.Warnings = append(d.Warnings, "no backup was named (--backup): make one before the upgrade")
		return nil
	}
	r, err := f.Repository(false)
	if err != nil {
		return err
	}
	s, err := r.Snapshot(0)
	if err != nil {
		d.problem("%s", err)
		return nil
	}
	d.Backup = &backupAge{Snapshot: s.Number, At: s.At, Behind: d.Log.Size - s.Log.Size}
	if d.Backup.Behind != 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the newest snapshot is %d log entries behind: take one before the upgrade", d.Backup.Behind))
	}
	return nil
}

func (d *checkDocument) write(w io.Writer) {
	last := d.LastProgram
	if last == "" {
		last = "not on record"
	}
	fmt.Fprintf(w, "program         %s (the store's schema is by: %s)\n", d.Program, last)
	names := []string{}
	for _, m := range d.Migrations {
		names = append(names, fmt.Sprintf("%d %s", m.Number, m.Name))
	}
	if len(names) == 0 {
		names = append(names, "none")
	}
	fmt.Fprintf(w, "migrations      %s\n", strings.Join(names, ", "))
	for _, v := range d.Formats {
		fmt.Fprintf(w, "data files      %d generations of format_version %d\n", v.Generations, v.Version)
	}
	fmt.Fprintf(w, "log             %d entries, verified\n", d.Log.Size)
	fmt.Fprintf(w, "disk            %d bytes free, %d needed\n", d.FreeBytes, d.NeededBytes)
	fmt.Fprintf(w, "copies          %d from before upgrades\n", len(d.Copies))
	if d.Backup != nil {
		fmt.Fprintf(w, "backup          snapshot %d of %s, %d log entries behind\n", d.Backup.Snapshot, d.Backup.At.Format(time.RFC3339), d.Backup.Behind)
	}
	for _, text := range d.Warnings {
		fmt.Fprintf(w, "warning: %s\n", text)
	}
	for _, text := range d.Problems {
		fmt.Fprintf(w, "problem: %s\n", text)
	}
}
