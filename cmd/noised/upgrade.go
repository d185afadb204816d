package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/schema"
)

func (a *app) upgradeCommand() *cobra.Command {
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
			if _, err := a.wantJSON(); err != nil {
				return err
			}
			if err := checkDataDir(f.dataDir); err != nil {
				return err
			}
			switch {
			case f.check:
				return a.checkUpgrade(cmd.Context(), f)
			case f.rehearse:
				return a.rehearseUpgrade(cmd.Context(), f)
			case f.back:
				return a.goBack(cmd.Context(), f)
			case f.forget:
				return a.forgetCopies(f)
			}
			return a.upgrade(cmd.Context(), f)
		},
	}
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "directory to upgrade")
	c.Flags().BoolVar(&f.check, "check", false, "only say what would be done")
	c.Flags().BoolVar(&f.rehearse, "rehearse", false, "do it on a copy, and go back")
	c.Flags().BoolVar(&f.back, "back", false, "put back the copy from before an upgrade")
	c.Flags().BoolVar(&f.forget, "forget-copies", false, "remove the copies from before upgrades")
	c.Flags().StringVar(&f.copy, "copy", "", "with --back: the copy to take")
	c.Flags().StringVar(&f.dir, "backup", "", "with --check: a backup, to say how old it is")
	c.Flags().StringVar(&f.key, "key-file", "", "with --backup: the file with its key")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Args = f.fit
	return need(c, "data-dir")
}

type upgradeFlags struct {
	backupFlags
	check, rehearse, back, forget, yes bool
	copy                               string
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
		return usagef("give one of --check, --rehearse, --back and --forget-copies")
	case f.dir != "" && !f.check:
		return usagef("--backup goes with --check")
	case (f.dir == "") != (f.key == ""):
		return usagef("--backup and --key-file go together")
	case f.copy != "" && !f.back:
		return usagef("--copy goes with --back")
	}
	return exactArgs()(c, args)
}

func (f upgradeFlags) control() string { return filepath.Join(f.dataDir, controlFile) }

// copyOf runs fn on a copy of the control store, which is removed after it.
func (f upgradeFlags) copyOf(ctx context.Context, fn func(path string) error) error {
	dir, release, err := backup.Scratch(ctx, f.dataDir, 0)
	if err != nil {
		return err
	}
	defer release()
	path := filepath.Join(dir, controlFile)
	if err := controldb.Copy(ctx, f.control(), path); err != nil {
		return storeError(f.control(), err)
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
func (a *app) upgrade(ctx context.Context, f upgradeFlags) error {
	doc, err := migrateAt(ctx, f.control())
	if err != nil {
		return err
	}
	return a.print(doc, func(w io.Writer) {
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
	db, err := controldb.OpenAs(ctx, path, currentVersion().Version)
	if err != nil {
		return doc, storeError(path, err)
	}
	doc = upgradeDocument{Migrations: []schema.Migration{}, Took: time.Since(began)}
	if err := db.Close(); err != nil {
		return doc, storeError(path, err)
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

// rehearseUpgrade migrates a copy of the store, checks what comes out, goes back, and
// compares what is there then with what was.
func (a *app) rehearseUpgrade(ctx context.Context, f upgradeFlags) error {
	var doc upgradeDocument
	err := f.copyOf(ctx, func(path string) error {
		before, log, err := fingerprint(ctx, path)
		if err != nil {
			return fmt.Errorf("before: %w", err)
		}
		if doc, err = migrateAt(ctx, path); err != nil {
			return err
		}
		doc.Copy = ""
		_, after, err := fingerprint(ctx, path)
		if err != nil {
			return fmt.Errorf("after: %w", err)
		}
		if log != after {
			return fmt.Errorf("the log was changed: it had %d entries, and has %d", log.Size, after.Size)
		}
		if len(doc.Migrations) == 0 {
			return nil
		}
		if _, _, err := controldb.Back(ctx, path, ""); err != nil {
			return fmt.Errorf("the way back: %w", err)
		}
		again, _, err := fingerprint(ctx, path)
		if err == nil && again != before {
			err = errors.New("the store is not what it was")
		}
		if err != nil {
			return fmt.Errorf("the way back: %w", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the rehearsal failed, and changed nothing: %w", err)
	}
	return a.print(doc, func(w io.Writer) {
		fmt.Fprintf(w, "%d migrations on a copy in %s; its log verifies; going back made it what it was\n", len(doc.Migrations), doc.Took.Round(time.Millisecond))
	})
}

// fingerprint checks a store that nobody uses, and returns a digest of all that it
// has, and its log's head.
func fingerprint(ctx context.Context, path string) (digest string, log backup.Log, err error) {
	db, err := schema.Open(path)
	if err != nil {
		return "", log, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if log, err = backup.CheckStore(ctx, db); err != nil {
		return "", log, err
	}
	digest, err = schema.Digest(ctx, db)
	return digest, log, err
}

// goBack puts the store from before an upgrade back. The directory says that it was
// restored before its store is older than it was, and until that is settled.
func (a *app) goBack(ctx context.Context, f upgradeFlags) error {
	var now backup.Log
	if err := f.copyOf(ctx, func(path string) (err error) {
		_, now, err = fingerprint(ctx, path)
		return err
	}); err != nil {
		return err
	}
	if err := a.confirm(f.yes, "Whatever was spent or done since the copy was made is forgotten. Go back to it?"); err != nil {
		return err
	}
	already, err := backup.WasRestored(f.dataDir)
	if err != nil {
		return err
	}
	if err := backup.Mark(f.dataDir, backup.Restored{At: time.Now().UTC(), Log: now}); err != nil {
		return err
	}
	from, aside, err := controldb.Back(ctx, f.control(), f.copy)
	if err != nil {
		if already == nil {
			err = errors.Join(err, backup.Accepted(f.dataDir))
		}
		return err
	}
	_, then, err := fingerprint(ctx, from)
	if err != nil {
		return err
	}
	if then == now && already == nil { // nothing is forgotten
		if err := backup.Accepted(f.dataDir); err != nil {
			return err
		}
	}
	doc := map[string]any{"copy": from, "aside": aside, "log": then, "log_before": now}
	return a.print(doc, func(w io.Writer) {
		fmt.Fprintf(w, "the control store is that of %s; the one from before is %s\n", from, aside)
		if forgotten := now.Size - then.Size; forgotten > 0 {
			fmt.Fprintf(w, "%d entries of its log are forgotten: no server starts before that is settled, with the high-water mark or noised ledger accept\n", forgotten)
		}
	})
}

func (a *app) forgetCopies(f upgradeFlags) error {
	if err := controldb.ForgetCopies(f.control(), time.Now().Add(time.Hour)); err != nil {
		return err
	}
	return a.print(map[string]bool{"forgotten": true}, func(w io.Writer) { fmt.Fprintln(w, "the copies from before upgrades are gone") })
}

// keepCopies is how long copies from before upgrades stay: they hold keys that may have
// been shredded since.
const keepCopies = 7 * 24 * time.Hour

// sweepCopies removes old copies from before upgrades until ctx ends.
func (m *Main) sweepCopies(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := controldb.ForgetCopies(m.controlPath(), time.Now().Add(-keepCopies)); err != nil {
			m.Log.Warn("copies from before upgrades could not be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
