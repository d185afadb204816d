// Package snapshots has the commands that take encrypted snapshots of a data directory,
// check them, and make a directory of one again.
package snapshots

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/build"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/ingest/backup"
)

// BackupCommand is noised backup.
func BackupCommand(a *command.App) *cobra.Command {
	var f Flags
	c := &cobra.Command{
		Use:   "backup --data-dir DIR --to BACKUP --key-file FILE",
		Short: "Take an encrypted snapshot of a data directory, while servers use it",
		Long: `Take an encrypted snapshot of a data directory. Servers may go on meanwhile. The
first snapshot makes the backup and its key file, if there are none; later ones
copy only files that no snapshot has yet.

Keep the key file where neither the backup nor the data directory is: whoever has
both it and the backup has the data. Without it the backup cannot be read by
anybody. Where data is encrypted at rest, the keyset of the data directory is not in
the backup either, and is needed too: keep a copy of it with the key file.`,
		Example: "  noised backup --data-dir /var/lib/noised --to /mnt/backup/noised --key-file /etc/noised/backup.key",
		RunE:    func(cmd *cobra.Command, _ []string) error { return backUp(cmd.Context(), a, f) },
	}
	f.register(c, "to", "directory of the backup")
	c.Flags().StringVar(&f.DataDir, "data-dir", "", "directory to copy")
	c.Flags().DurationVar(&f.wait, "wait", time.Minute, "how long to wait for another backup of the directory")
	command.Need(c, "data-dir", "to", "key-file")
	c.AddCommand(backupInitCommand(a), backupListCommand(a), backupVerifyCommand(a), backupPruneCommand(a))
	return c
}

// makeBackup makes a backup and, where it is missing, its key.
func makeBackup(a *command.App, f Flags) error {
	var key *backup.Key
	_, err := os.Stat(f.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if key, err = backup.CreateKey(f.Key); err != nil {
			return err
		}
		fmt.Fprintf(a.Stderr, "The key of the backup is in %s. Keep a copy of it elsewhere: without it nothing can be restored.\n", screen.Quote(f.Key))
	case err == nil:
		if key, err = backup.ReadKey(f.Key); err != nil {
			return err
		}
	default:
		return err
	}
	return backup.Create(f.Dir, key)
}

func backUp(ctx context.Context, a *command.App, f Flags) error {
	if err := datadir.Check(f.DataDir); err != nil {
		return err
	}
	if err := f.apart(); err != nil {
		return err
	}
	if !backup.IsRepository(f.Dir) {
		if err := makeBackup(a, f); err != nil {
			return err
		}
	}
	r, err := f.Repository(true)
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := r.Take(ctx, backup.Options{DataDir: f.DataDir, Program: build.Current().Version, Now: time.Now, Wait: f.wait})
	if err != nil {
		return fmt.Errorf("no snapshot was taken: %w", err)
	}
	return a.Print(describeSnapshot(s), func(w io.Writer) {
		fmt.Fprintf(w, "snapshot %d: %d files, %d bytes; copied %d files, %d bytes; %d files of the one before are gone\n",
			s.Number, len(s.Files), s.Bytes(), s.Added, s.Written, s.Removed)
	})
}

func backupInitCommand(a *command.App) *cobra.Command {
	var f Flags
	c := &cobra.Command{
		Use:   "init --to BACKUP --key-file FILE",
		Short: "Make an empty backup, and its key file where there is none",
		RunE: func(*cobra.Command, []string) error {
			if err := f.apart(); err != nil {
				return err
			}
			if backup.IsRepository(f.Dir) {
				return fmt.Errorf("%s is a backup already", f.Dir)
			}
			if err := makeBackup(a, f); err != nil {
				return err
			}
			return a.Print(map[string]string{"backup": f.Dir, "key_file": f.Key}, func(w io.Writer) {
				fmt.Fprintf(w, "%s takes snapshots\n", f.Dir)
			})
		},
	}
	f.register(c, "to", "directory to make")
	return command.Need(c, "to", "key-file")
}
