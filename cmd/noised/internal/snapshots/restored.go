package snapshots

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/logkey"
	"github.com/noised/noised/cmd/noised/internal/witness"
	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb/schema"
	"github.com/noised/noised/privacy/highwater"
	"github.com/noised/noised/privacy/translog"
)

// restoredDocument is what restoring did, as --format json shows it.
type restoredDocument struct {
	snapshotDocument
	Mark         *witness.Document `json:"mark,omitempty"`
	Problem      string            `json:"problem,omitempty"` // why a server would refuse the directory with that mark
	Keyset       string            `json:"keyset,omitempty"`  // where the keyset is expected that it is encrypted under
	LogKey       string            `json:"log_key,omitempty"` // where the key is expected that signs its log
	backup.Later                   // what later snapshots know to have gone
	Unknown      string            `json:"unknown,omitempty"` // why they could not tell
}

// look says what else a server on the directory needs.
func (d *restoredDocument) look(ctx context.Context, f restoreFlags) (err error) {
	db, err := schema.Open(datadir.ControlPath(f.DataDir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sealed, err := holdsAny(ctx, db, "data_keys")
	if err != nil {
		return err
	}
	if sealed {
		d.Keyset = atrest.KeysetPath("", f.DataDir)
	}
	signed, err := holdsAny(ctx, db, "log_keys")
	if err != nil {
		return err
	}
	if signed {
		d.LogKey = logkey.Path("", f.DataDir)
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
	file, err := highwater.Open(f.mark, f.DataDir)
	if err != nil {
		return datadir.Shown(err)
	}
	mark, err := file.Read(ctx)
	if err != nil {
		d.Problem = privacy.AsError(err).Message
		return nil
	}
	d.Mark = witness.DocumentOf(mark)
	err = highwater.Check(ctx, log, d.Store, mark)
	if err == nil {
		err = witness.KeptSince(mark, d.Log)
	}
	if err != nil {
		d.Problem = privacy.AsError(err).Message
	}
	return nil
}

func (d *restoredDocument) write(w io.Writer, f restoreFlags) {
	fmt.Fprintf(w, "%s is as it was at %s (snapshot %d): %d files, %d bytes, %d log entries\n",
		f.DataDir, d.At.Format(time.RFC3339), d.Snapshot, d.Files, d.Bytes, d.Log.Size)
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
	fmt.Fprintln(w, "Datasets and tenants that were deleted since are back: delete them again.")
	if d.Unknown != "" {
		fmt.Fprintf(w, "Which these are is not known, look it up elsewhere: %s\n", d.Unknown)
	}
	if d.Parted {
		fmt.Fprintln(w, "The newest snapshot went on from before this one: it does not tell which tenants were deleted.")
	}
	for _, name := range d.Datasets {
		fmt.Fprintf(w, "  dataset %s\n", name)
	}
	for _, name := range d.Tenants {
		fmt.Fprintf(w, "  tenant %s\n", name)
	}
}
