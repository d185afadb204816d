package snapshots

import (
	"context"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
)

// RestoreCommand is noised restore.
func RestoreCommand(a *command.App) *cobra.Command {
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

People who were erased since the snapshot are in it, and so are datasets and tenants
that were deleted. What later snapshots know of these is listed; whatever came after
is known to the tenants alone. Ask for all of it again before anything else is done.`,
		Example: "  noised restore --from /mnt/backup/noised --to /var/lib/noised --key-file /etc/noised/backup.key --high-water-file /var/lib/noised-mark/mark",
		RunE:    func(cmd *cobra.Command, _ []string) error { return restore(cmd.Context(), a, f) },
	}
	f.register(c, "from", "directory of the backup")
	c.Flags().StringVar(&f.DataDir, "to", "", "data directory to make")
	c.Flags().IntVar(&f.number, "snapshot", 0, "its number (default: the newest)")
	c.Flags().StringVar(&f.mark, "high-water-file", "", "file with the mark, to say whether anything was spent since")
	return command.Need(c, "from", "to", "key-file")
}

// restoreFlags say what to restore, and where.
type restoreFlags struct {
	Flags
	number int
	mark   string
}

func restore(ctx context.Context, a *command.App, f restoreFlags) error {
	if err := f.apart(); err != nil {
		return err
	}
	r, err := f.Repository(false)
	if err != nil {
		return err
	}
	s, err := r.Snapshot(f.number)
	if err != nil {
		return err
	}
	doc := restoredDocument{snapshotDocument: describeSnapshot(s)}
	if doc.Later, err = r.Since(ctx, s, filepath.Dir(filepath.Clean(f.DataDir))); err != nil {
		doc.Unknown = err.Error() // one goes back because something newer is damaged
	}
	if err := r.Restore(ctx, s, f.DataDir); err != nil {
		return err
	}
	if err := doc.look(ctx, f); err != nil {
		return err
	}
	return a.Print(doc, func(w io.Writer) { doc.write(w, f) })
}
