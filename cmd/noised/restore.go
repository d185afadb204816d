package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb/schema"
	"github.com/noised/noised/privacy/highwater"
	"github.com/noised/noised/privacy/translog"
)

func (a *app) restoreCommand() *cobra.Command {
	var f restoreFlags
	c := &cobra.Command{
		Use:   "restore --from BACKUP --to DATA_DIR --key-file FILE [--snapshot N]",
		Short: "Make a data directory as a snapshot has it",
		Long: `Make a data directory as a snapshot has it, the newest one unless another is named.
Everything is checked before the directory gets its name.

A restored directory has forgotten what was spent since the snapshot, and no server
starts on it until that is settled. With the high-water mark that was kept while
the original was in use, a server starts if nothing was spent since. Otherwise
somebody must take the decision that it may be spent again, and ask the tenants
first: noised ledger accept.

People who were erased since the snapshot are in it. What later snapshots know of
such erasures is listed; whatever came after those is known to the tenants alone.
Ask for all of them again before anything else is done.`,
		Example: "  noised restore --from /mnt/backup/noised --to /var/lib/noised --key-file /etc/noised/backup.key --high-water-file /var/lib/noised-mark/mark",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.restore(cmd.Context(), f) },
	}
	f.register(c, "from", "directory of the backup")
	c.Flags().StringVar(&f.dataDir, "to", "", "data directory to make")
	c.Flags().IntVar(&f.number, "snapshot", 0, "its number (default: the newest)")
	c.Flags().StringVar(&f.mark, "high-water-file", "", "file with the mark, to say whether anything was spent since")
	return need(c, "from", "to", "key-file")
}

// restoreFlags say what to restore, and where.
type restoreFlags struct {
	backupFlags
	number int
	mark   string
}

// restoredDocument is what restoring did, as --format json shows it.
type restoredDocument struct {
	snapshotDocument
	Mark     *markDocument    `json:"mark,omitempty"`
	Problem  string           `json:"problem,omitempty"` // why a server would refuse the directory with that mark
	Keyset   string           `json:"keyset,omitempty"`  // where the keyset is expected that it is encrypted under
	LogKey   string           `json:"log_key,omitempty"` // where the key is expected that signs its log
	Erasures []backup.Erasure `json:"erasures"`          // that later snapshots know of
}

func (a *app) restore(ctx context.Context, f restoreFlags) error {
	if _, err := a.wantJSON(); err != nil {
		return err
	}
	if err := f.apart(); err != nil {
		return err
	}
	r, err := f.repository(false)
	if err != nil {
		return err
	}
	s, err := r.Snapshot(f.number)
	if err != nil {
		return err
	}
	doc := restoredDocument{snapshotDocument: describeSnapshot(s)}
	if doc.Erasures, err = r.ErasuresSince(ctx, s, filepath.Dir(filepath.Clean(f.dataDir))); err != nil {
		return err
	}
	if err := r.Restore(ctx, s, f.dataDir); err != nil {
		return err
	}
	if err := doc.look(ctx, f); err != nil {
		return err
	}
	return a.print(doc, func(w io.Writer) { doc.write(w, f) })
}

// look says what else a server on the directory needs.
func (d *restoredDocument) look(ctx context.Context, f restoreFlags) (err error) {
	db, err := schema.Open(filepath.Join(f.dataDir, controlFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sealed, err := holdsAny(ctx, db, "data_keys")
	if err != nil {
		return err
	}
	if sealed {
		d.Keyset = keysetPath("", f.dataDir)
	}
	signed, err := holdsAny(ctx, db, "log_keys")
	if err != nil {
		return err
	}
	if signed {
		d.LogKey = logKeyPath("", f.dataDir)
	}
	if f.mark == "" {
		return nil
	}
	return d.compare(ctx, f, db)
}

// holdsAny reports whether a store, of whatever version, has rows in a table.
func holdsAny(ctx context.Context, db *sql.DB, table string) (some bool, err error) {
	err = db.QueryRowContext(ctx, `SELECT count(*) > 0 FROM sqlite_schema WHERE name = ?`, table).Scan(&some)
	if err == nil && some {
		err = db.QueryRowContext(ctx, `SELECT count(*) > 0 FROM `+table).Scan(&some)
	}
	return some, err
}

// compare tells whether the mark has seen more than the snapshot.
func (d *restoredDocument) compare(ctx context.Context, f restoreFlags, log translog.Reader) error {
	file, err := highwater.Open(f.mark, f.dataDir)
	if err != nil {
		return shown(err)
	}
	mark, err := file.Read(ctx)
	if err != nil {
		d.Problem = privacy.AsError(err).Message
		return nil
	}
	d.Mark = documentOf(mark)
	err = highwater.Check(ctx, log, d.Store, mark)
	if err == nil {
		err = keptSince(mark, d.Log)
	}
	if err != nil {
		d.Problem = privacy.AsError(err).Message
	}
	return nil
}

func (d *restoredDocument) write(w io.Writer, f restoreFlags) {
	fmt.Fprintf(w, "%s is as it was at %s (snapshot %d): %d files, %d bytes, %d log entries\n",
		f.dataDir, d.At.Format(time.RFC3339), d.Snapshot, d.Files, d.Bytes, d.Log.Size)
	switch {
	case d.Problem != "":
		fmt.Fprintf(w, "No server starts on it with that mark: %s\n", d.Problem)
	case d.Mark != nil:
		fmt.Fprintln(w, "The high-water mark agrees: nothing was spent since. A server starts on it with that mark.")
	default:
		fmt.Fprintln(w, "What was spent since is forgotten. A server starts on it with the high-water mark of the original, if nothing was, or after: noised ledger accept")
	}
	if d.Keyset != "" {
		fmt.Fprintf(w, "It is encrypted under a keyset that is not in the backup: put a copy of it at %s\n", d.Keyset)
	}
	if d.LogKey != "" {
		fmt.Fprintf(w, "Its log is signed with a key that is not in the backup: put a copy of it at %s\n", d.LogKey)
	}
	fmt.Fprintf(w, "People who were erased since %s are in it: ask for their erasure again.\n", d.At.Format(time.RFC3339))
	for _, e := range d.Erasures {
		fmt.Fprintf(w, "  %s of %s in %s, asked for at %s\n", e.ID, e.Tenant, e.Dataset, e.At.Format(time.RFC3339))
	}
}
