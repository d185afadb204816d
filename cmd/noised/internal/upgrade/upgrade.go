// Package upgrade has the command that brings a data directory to this version of the
// program: after looking what stands in the way, after a rehearsal on a copy, and back
// if need be.
package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/build"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/snapshots"
	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/schema"
)

// Command is noised upgrade.
func Command(a *command.App) *cobra.Command {
	var f upgradeFlags
	c := &cobra.Command{
		Use:   "upgrade --data-dir DIR [--check | --rehearse | --back | --forget-copies]",
		Short: "Bring a data directory to this version of the program, or back",
		Long: `Bring the control store of a data directory to this version of the program. A server
does the same when it starts. The store is copied before it is changed; copies
are kept for a week, in DIR/upgrade.

--check     says what would be done and what stands in the way. It changes nothing,
            and the exit code is 1 if something does.
--rehearse  does it on a copy, checks what comes out, and goes back again.
--back      puts the newest copy that this program knows back, for a program of
            before the upgrade. No server may be running. What was spent since the
            copy was made is forgotten then, and no server starts before that is
            settled: noised ledger accept.
--forget-copies
            removes the copies. Keys that were shredded since are still in them.`,
		Example: "  noised upgrade --check --data-dir /var/lib/noised --backup /mnt/backup/noised --key-file /etc/noised/backup.key",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := datadir.Check(f.DataDir); err != nil {
				return err
			}
			switch {
			case f.check:
				return checkUpgrade(cmd.Context(), a, f)
			case f.rehearse:
				return rehearseUpgrade(cmd.Context(), a, f)
			case f.back:
				return goBack(cmd.Context(), a, f)
			case f.forget:
				return forgetCopies(a, f)
			}
			return upgrade(cmd.Context(), a, f)
		},
	}
	f.register(c)
	c.Args = f.fit
	return command.Need(c, "data-dir")
}

type upgradeFlags struct {
	snapshots.Flags
	check, rehearse, back, forget, yes bool
	copy                               string
}

func (f *upgradeFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.DataDir, "data-dir", "", "directory to upgrade")
	c.Flags().BoolVar(&f.check, "check", false, "only say what would be done")
	c.Flags().BoolVar(&f.rehearse, "rehearse", false, "do it on a copy, and go back")
	c.Flags().BoolVar(&f.back, "back", false, "put back the copy from before an upgrade")
	c.Flags().BoolVar(&f.forget, "forget-copies", false, "remove the copies from before upgrades")
	c.Flags().StringVar(&f.copy, "copy", "", "with --back: the copy to take")
	c.Flags().StringVar(&f.Dir, "backup", "", "with --check: a backup, to say how old it is")
	c.Flags().StringVar(&f.Key, "key-file", "", "with --backup: the file with its key")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
}

// fit refuses flags that do not go together.
func (f *upgradeFlags) fit(c *cobra.Command, args []string) error {
	modes := 0
	for _, on := range []bool{f.check, f.rehearse, f.back, f.forget} {
		if on {
			modes++
		}
	}
	switch {
	case modes > 1:
		return command.Usagef("give one of --check, --rehearse, --back and --forget-copies")
	case f.Dir != "" && !f.check:
		return command.Usagef("--backup goes with --check")
	case (f.Dir == "") != (f.Key == ""):
		return command.Usagef("--backup and --key-file go together")
	case f.copy != "" && !f.back:
		return command.Usagef("--copy goes with --back")
	}
	return command.ExactArgs()(c, args)
}

func (f upgradeFlags) control() string { return datadir.ControlPath(f.DataDir) }

// copyOf runs fn on a copy of the control store, which is removed after it.
func (f upgradeFlags) copyOf(ctx context.Context, fn func(path string) error) error {
	dir, release, err := backup.Scratch(ctx, f.DataDir, 0)
	if err != nil {
		return err
	}
	defer release()
	path := datadir.ControlPath(dir)
	if err := controldb.Copy(ctx, f.control(), path); err != nil {
		return datadir.StoreError(f.control(), err)
	}
	return fn(path)
}

// upgradeDocument is what an upgrade did, as --format json shows it.
type upgradeDocument struct {
	Migrations []schema.Migration `json:"migrations"`
	Copy       string             `json:"copy,omitempty"` // of the store from before
	Took       time.Duration      `json:"took_ns"`
}

// upgrade does what the start of a server does.
func upgrade(ctx context.Context, a *command.App, f upgradeFlags) error {
	doc, err := migrateAt(ctx, f.control())
	if err != nil {
		return err
	}
	return a.Print(doc, func(w io.Writer) {
		if len(doc.Migrations) == 0 {
			fmt.Fprintln(w, "nothing to do: the control store is of this version")
			return
		}
		for _, m := range doc.Migrations {
			fmt.Fprintf(w, "%d %s\n", m.Number, m.Name)
		}
		fmt.Fprintf(w, "%d migrations done; the store from before is %s\n", len(doc.Migrations), doc.Copy)
	})
}

// migrateAt opens a store and tells what that changed: what it made a copy before.
func migrateAt(ctx context.Context, path string) (doc upgradeDocument, err error) {
	before, err := schema.Copies(path)
	if err != nil {
		return doc, err
	}
	began := time.Now()
	db, err := controldb.OpenAs(ctx, path, build.Current().Version)
	if err != nil {
		return doc, datadir.StoreError(path, err)
	}
	doc = upgradeDocument{Migrations: []schema.Migration{}, Took: time.Since(began)}
	if err := db.Close(); err != nil {
		return doc, datadir.StoreError(path, err)
	}
	copies, err := schema.Copies(path)
	if err != nil || len(copies) == len(before) {
		return doc, err
	}
	doc.Copy = copies[len(copies)-1]
	old, err := schema.Open(doc.Copy)
	if err != nil {
		return doc, err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	status, err := schema.StatusOf(ctx, old, controldb.Migrations())
	doc.Migrations = status.Pending
	return doc, err
}
