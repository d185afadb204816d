package snapshots

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/ingest/backup"
)

func backupListCommand(a *command.App) *cobra.Command {
	var f Flags
	c := &cobra.Command{
		Use:   "list --from BACKUP --key-file FILE",
		Short: "List the snapshots, the oldest first",
		RunE: func(*cobra.Command, []string) error {
			r, err := f.Repository(false)
			if err != nil {
				return err
			}
			all, err := r.Snapshots()
			if err != nil {
				return err
			}
			docs := []snapshotDocument{}
			g := screen.Grid{Header: []string{"snapshot", "at", "log entries", "files", "bytes", "added", "gone", "copied"},
				Right: map[int]bool{0: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true}}
			for _, s := range all {
				d := describeSnapshot(s)
				docs = append(docs, d)
				g.Add(strconv.Itoa(d.Snapshot), d.At.Format(time.RFC3339), strconv.FormatInt(d.Log.Size, 10), strconv.Itoa(d.Files),
					strconv.FormatInt(d.Bytes, 10), strconv.Itoa(d.Added), strconv.Itoa(d.Removed), strconv.FormatInt(d.Written, 10))
			}
			return a.Print(map[string]any{"snapshots": docs}, g.Write)
		},
	}
	f.register(c, "from", "directory of the backup")
	return command.Need(c, "from", "key-file")
}

func backupVerifyCommand(a *command.App) *cobra.Command {
	var f Flags
	var number int
	var all bool
	c := &cobra.Command{
		Use:   "verify --from BACKUP --key-file FILE [--snapshot N | --all]",
		Short: "Read a whole snapshot, and check every file, the control store and its log",
		Long: `Read everything that a snapshot needs, the newest one unless another is named, and
check it: every file against its digest, the control store with SQLite's own
check, and its log by hashing every entry again. The control store is written to
the directory for temporary files meanwhile ($TMPDIR).`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all && cmd.Flags().Changed("snapshot") {
				return command.Usagef("give --snapshot or --all, and not both")
			}
			r, err := f.Repository(false)
			if err != nil {
				return err
			}
			snapshots, err := r.Snapshots()
			if !all || err != nil || len(snapshots) == 0 { // of none, the newest says so
				var one *backup.Snapshot
				if one, err = r.Snapshot(number); err != nil {
					return err
				}
				snapshots = []*backup.Snapshot{one}
			}
			docs := []snapshotDocument{}
			var lines strings.Builder
			for _, s := range snapshots {
				if err := r.Verify(cmd.Context(), s, os.TempDir()); err != nil {
					return err
				}
				docs = append(docs, describeSnapshot(s))
				fmt.Fprintf(&lines, "snapshot %d is whole: %d files, %d bytes, %d log entries\n", s.Number, len(s.Files), s.Bytes(), s.Log.Size)
			}
			return a.Print(map[string]any{"verified": docs}, func(w io.Writer) { fmt.Fprint(w, lines.String()) })
		},
	}
	f.register(c, "from", "directory of the backup")
	c.Flags().IntVar(&number, "snapshot", 0, "its number (default: the newest)")
	c.Flags().BoolVar(&all, "all", false, "verify every snapshot")
	return command.Need(c, "from", "key-file")
}

func backupPruneCommand(a *command.App) *cobra.Command {
	var f Flags
	var keep int
	c := &cobra.Command{
		Use:   "prune --from BACKUP --key-file FILE --keep N",
		Short: "Remove all snapshots but the newest ones",
		Long: `Remove all snapshots but the newest N, and the copies that only they had. People
whose rows were erased stay in snapshots from before: prune within the time after
which an erasure must be complete everywhere.`,
		RunE: func(*cobra.Command, []string) error {
			if keep < 1 {
				return command.Usagef("--keep is at least 1")
			}
			r, err := f.Repository(true)
			if err != nil {
				return err
			}
			defer r.Close()
			p, err := r.Prune(keep)
			if err != nil {
				return err
			}
			return a.Print(p, func(w io.Writer) {
				fmt.Fprintf(w, "removed %d snapshots, %d files, %d bytes\n", len(p.Snapshots), p.Files, p.Bytes)
			})
		},
	}
	f.register(c, "from", "directory of the backup")
	c.Flags().IntVar(&keep, "keep", 0, "how many snapshots stay")
	return command.Need(c, "from", "key-file", "keep")
}
