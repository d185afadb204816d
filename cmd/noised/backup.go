package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/ingest/backup"
)

func (a *app) backupCommand() *cobra.Command {
	var f backupFlags
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
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.backUp(cmd.Context(), f) },
	}
	f.register(c, "to", "directory of the backup")
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "directory to copy")
	c.Flags().DurationVar(&f.wait, "wait", time.Minute, "how long to wait for another backup of the directory")
	need(c, "data-dir", "to", "key-file")
	c.AddCommand(a.backupInitCommand(), a.backupListCommand(), a.backupVerifyCommand(), a.backupPruneCommand())
	return c
}

// backupFlags say where a backup and its key are.
type backupFlags struct {
	dataDir, dir, key string
	wait              time.Duration
}

func (f *backupFlags) register(c *cobra.Command, name, usage string) {
	c.Flags().StringVar(&f.dir, name, "", usage)
	c.Flags().StringVar(&f.key, "key-file", "", "file with the backup's key, kept elsewhere")
}

// apart refuses a key beside what it opens, and a backup within what it copies.
func (f backupFlags) apart() error {
	for _, dir := range []string{f.dir, f.dataDir} {
		if dir == "" {
			continue
		}
		if in, err := liesIn(f.key, dir); err != nil {
			return err
		} else if in {
			return fmt.Errorf("refusing the key file %s: it lies in %s, and whoever takes that takes the key with it. Keep it elsewhere", f.key, dir)
		}
	}
	if f.dataDir == "" {
		return nil
	}
	for _, pair := range [][2]string{{f.dir, f.dataDir}, {f.dataDir, f.dir}} {
		if in, err := liesIn(pair[0], pair[1]); err != nil {
			return err
		} else if in {
			return fmt.Errorf("refusing to back up %s to %s: one lies in the other", f.dataDir, f.dir)
		}
	}
	return nil
}

// liesIn reports whether a path, which need not exist, lies in a directory or is it,
// by whatever names.
func liesIn(path, dir string) (bool, error) {
	container, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		// What does not exist holds nothing, but may be about to: compare names.
		abs, err1 := filepath.Abs(path)
		base, err2 := filepath.Abs(dir)
		rel, err3 := filepath.Rel(base, abs)
		return err3 == nil && filepath.IsLocal(rel), errors.Join(err1, err2)
	}
	if err != nil {
		return false, err
	}
	real, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	if resolved, err := filepath.EvalSymlinks(real); err == nil {
		real = resolved
	} else if parent, err := filepath.EvalSymlinks(filepath.Dir(real)); err == nil {
		real = filepath.Join(parent, filepath.Base(real))
	}
	for ; ; real = filepath.Dir(real) {
		if info, err := os.Stat(real); err == nil && os.SameFile(info, container) {
			return true, nil
		}
		if real == filepath.Dir(real) {
			return false, nil
		}
	}
}

// repository opens a backup to read it, or to write to it.
func (f backupFlags) repository(write bool) (*backup.Repository, error) {
	key, err := backup.ReadKey(f.key)
	if err != nil {
		return nil, err
	}
	if write {
		return backup.OpenToWrite(f.dir, key)
	}
	return backup.Open(f.dir, key)
}

// makeBackup makes a backup and, where it is missing, its key.
func (a *app) makeBackup(f backupFlags) error {
	var key *backup.Key
	_, err := os.Stat(f.key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if key, err = backup.CreateKey(f.key); err != nil {
			return err
		}
		fmt.Fprintf(a.stderr, "The key of the backup is in %s. Keep a copy of it elsewhere: without it nothing can be restored.\n", quote(f.key))
	case err == nil:
		if key, err = backup.ReadKey(f.key); err != nil {
			return err
		}
	default:
		return err
	}
	return backup.Create(f.dir, key)
}

func (a *app) backUp(ctx context.Context, f backupFlags) error {
	if _, err := a.wantJSON(); err != nil {
		return err
	}
	if err := checkDataDir(f.dataDir); err != nil {
		return err
	}
	if err := f.apart(); err != nil {
		return err
	}
	if !backup.IsRepository(f.dir) {
		if err := a.makeBackup(f); err != nil {
			return err
		}
	}
	r, err := f.repository(true)
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := r.Take(ctx, backup.Options{DataDir: f.dataDir, Program: currentVersion().Version, Now: time.Now, Wait: f.wait})
	if err != nil {
		return fmt.Errorf("no snapshot was taken: %w", err)
	}
	return a.print(describeSnapshot(s), func(w io.Writer) {
		fmt.Fprintf(w, "snapshot %d: %d files, %d bytes; copied %d files, %d bytes; %d files of the one before are gone\n",
			s.Number, len(s.Files), s.Bytes(), s.Added, s.Written, s.Removed)
	})
}

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

func (a *app) backupInitCommand() *cobra.Command {
	var f backupFlags
	c := &cobra.Command{
		Use:   "init --to BACKUP --key-file FILE",
		Short: "Make an empty backup, and its key file where there is none",
		RunE: func(*cobra.Command, []string) error {
			if _, err := a.wantJSON(); err != nil {
				return err
			}
			if err := f.apart(); err != nil {
				return err
			}
			if backup.IsRepository(f.dir) {
				return fmt.Errorf("%s is a backup already", f.dir)
			}
			if err := a.makeBackup(f); err != nil {
				return err
			}
			return a.print(map[string]string{"backup": f.dir, "key_file": f.key}, func(w io.Writer) {
				fmt.Fprintf(w, "%s takes snapshots\n", f.dir)
			})
		},
	}
	f.register(c, "to", "directory to make")
	return need(c, "to", "key-file")
}

func (a *app) backupListCommand() *cobra.Command {
	var f backupFlags
	c := &cobra.Command{
		Use:   "list --from BACKUP --key-file FILE",
		Short: "List the snapshots, the oldest first",
		RunE: func(*cobra.Command, []string) error {
			r, err := f.repository(false)
			if err != nil {
				return err
			}
			all, err := r.Snapshots()
			if err != nil {
				return err
			}
			docs := []snapshotDocument{}
			g := grid{header: []string{"snapshot", "at", "log entries", "files", "bytes", "added", "gone", "copied"},
				right: map[int]bool{0: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true}}
			for _, s := range all {
				d := describeSnapshot(s)
				docs = append(docs, d)
				g.add(strconv.Itoa(d.Snapshot), d.At.Format(time.RFC3339), strconv.FormatInt(d.Log.Size, 10), strconv.Itoa(d.Files),
					strconv.FormatInt(d.Bytes, 10), strconv.Itoa(d.Added), strconv.Itoa(d.Removed), strconv.FormatInt(d.Written, 10))
			}
			return a.print(map[string]any{"snapshots": docs}, g.write)
		},
	}
	f.register(c, "from", "directory of the backup")
	return need(c, "from", "key-file")
}

func (a *app) backupVerifyCommand() *cobra.Command {
	var f backupFlags
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
				return usagef("give --snapshot or --all, and not both")
			}
			if _, err := a.wantJSON(); err != nil {
				return err
			}
			r, err := f.repository(false)
			if err != nil {
				return err
			}
			snapshots, err := r.Snapshots()
			if !all || err != nil {
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
			return a.print(map[string]any{"verified": docs}, func(w io.Writer) { fmt.Fprint(w, lines.String()) })
		},
	}
	f.register(c, "from", "directory of the backup")
	c.Flags().IntVar(&number, "snapshot", 0, "its number (default: the newest)")
	c.Flags().BoolVar(&all, "all", false, "verify every snapshot")
	return need(c, "from", "key-file")
}

func (a *app) backupPruneCommand() *cobra.Command {
	var f backupFlags
	var keep int
	c := &cobra.Command{
		Use:   "prune --from BACKUP --key-file FILE --keep N",
		Short: "Remove all snapshots but the newest ones",
		Long: `Remove all snapshots but the newest N, and the copies that only they had. People
whose rows were erased stay in snapshots from before: prune within the time after
which an erasure must be complete everywhere.`,
		RunE: func(*cobra.Command, []string) error {
			if keep < 1 {
				return usagef("--keep is at least 1")
			}
			if _, err := a.wantJSON(); err != nil {
				return err
			}
			r, err := f.repository(true)
			if err != nil {
				return err
			}
			defer r.Close()
			p, err := r.Prune(keep)
			if err != nil {
				return err
			}
			return a.print(p, func(w io.Writer) {
				fmt.Fprintf(w, "removed %d snapshots, %d files, %d bytes\n", len(p.Snapshots), p.Files, p.Bytes)
			})
		},
	}
	f.register(c, "from", "directory of the backup")
	c.Flags().IntVar(&keep, "keep", 0, "how many snapshots stay")
	return need(c, "from", "key-file", "keep")
}
