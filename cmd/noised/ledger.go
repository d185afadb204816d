package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/highwater"
)

func (a *app) ledgerCommand() *cobra.Command {
	return group("ledger", "Look at the ledger of a data directory, and at its high-water mark",
		a.ledgerStatusCommand(), a.ledgerAcceptCommand())
}

// ledgerFlags are the flags of the commands that work on a data directory and
// not through a server.
type ledgerFlags struct {
	dataDir, mark string
	yes           bool
}

func (f *ledgerFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "directory of the control store")
	c.Flags().StringVar(&f.mark, "high-water-file", "", "file with the mark, outside that directory")
}

func (a *app) ledgerStatusCommand() *cobra.Command {
	var f ledgerFlags
	c := &cobra.Command{
		Use:   "status --data-dir DIR [--high-water-file FILE]",
		Short: "Show the log's size and root, and whether the mark agrees",
		Long: `Show how many entries the ledger's log has and the root hash over them, and
the same of the high-water mark. The exit code is 1 if a server would refuse
the two together. A server may be running.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withLedger(cmd.Context(), f, func(l *ledgerFiles) error { return a.showLedger(cmd.Context(), l) })
		},
	}
	f.register(c)
	return need(c, "data-dir")
}

func (a *app) ledgerAcceptCommand() *cobra.Command {
	var f ledgerFlags
	c := &cobra.Command{
		Use:   "accept --data-dir DIR [--high-water-file FILE]",
		Short: "Write the high-water mark anew from the control store as it is",
		Long: `Write the high-water mark anew from the control store as it is now.

A server needs this once before its first start with a mark, and after the file
was lost. It is also the way to go on with a control store that is older than
its mark: a restored copy. That one has forgotten what was spent since it was
made, so its budgets can be spent a second time, and what the mark promised to
the tenants no longer holds. Ask them first.

A directory that noised restore made is accepted without a mark too, where none is
kept.`,
		Example: "  noised ledger accept --data-dir /var/lib/noised --high-water-file /var/lib/noised-mark/mark",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.mark == "" {
				return a.acceptRestored(cmd.Context(), f)
			}
			return a.withLedger(cmd.Context(), f, func(l *ledgerFiles) error { return a.acceptLedger(cmd.Context(), l, f.yes) })
		},
	}
	f.register(c)
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	return need(c, "data-dir")
}

// ledgerFiles are a control store and, if one was named, the file of its mark.
type ledgerFiles struct {
	db   *controldb.DB
	file *highwater.File // nil for none
	path string          // of file, as it was given
	dir  string
}

// withLedger opens what the flags name.
func (a *app) withLedger(ctx context.Context, f ledgerFlags, work func(*ledgerFiles) error) (err error) {
	if _, err := a.wantJSON(); err != nil {
		return err
	}
	if err := checkDataDir(f.dataDir); err != nil {
		return err
	}
	l := &ledgerFiles{path: f.mark, dir: f.dataDir}
	if f.mark != "" {
		if l.file, err = highwater.Open(f.mark, f.dataDir); err != nil {
			return shown(err)
		}
	}
	control := filepath.Join(f.dataDir, controlFile)
	if l.db, err = controldb.OpenAs(ctx, control, currentVersion().Version); err != nil {
		return storeError(control, err)
	}
	defer func() { err = errors.Join(err, l.db.Close()) }()
	return work(l)
}

// markDocument is a mark as --format json shows it.
type markDocument struct {
	Store string `json:"store"`
	Size  int64  `json:"size"`
	Root  string `json:"root"`
}

func documentOf(m highwater.Mark) *markDocument {
	return &markDocument{Store: m.Store, Size: m.Size, Root: m.Root.String()}
}

func (d *markDocument) line() string {
	if d == nil {
		return "none"
	}
	return fmt.Sprintf("%d entries, root %s", d.Size, d.Root)
}

// showLedger prints the log's head and the mark.
func (a *app) showLedger(ctx context.Context, l *ledgerFiles) error {
	head, err := highwater.Head(ctx, l.db)
	if err != nil {
		return err
	}
	doc := struct {
		*markDocument
		Mark     *markDocument `json:"mark,omitempty"`
		Problem  string        `json:"problem,omitempty"`
		Restored *time.Time    `json:"restored,omitempty"` // from a snapshot of then, which nobody has accepted
	}{markDocument: documentOf(head)}
	was, err := backup.WasRestored(l.dir)
	if err != nil {
		return err
	}
	if was != nil {
		doc.Restored = &was.At
	}
	var problem error
	if l.file != nil {
		mark, err := l.file.Read(ctx)
		if err == nil {
			doc.Mark = documentOf(mark)
			err = highwater.Check(ctx, l.db.ReadOnly(), head.Store, mark)
		}
		if problem = err; err != nil {
			doc.Problem = privacy.AsError(err).Message
		}
	}
	err = a.print(doc, func(w io.Writer) {
		fmt.Fprintf(w, "control store  %s\nlog            %s\n", head.Store, doc.line())
		if l.file != nil {
			fmt.Fprintf(w, "mark           %s\n", doc.Mark.line())
		}
		if was != nil {
			fmt.Fprintf(w, "restored       from a snapshot of %s; nobody has accepted it yet\n", was.At.Format(time.RFC3339))
		}
	})
	if err == nil && problem != nil {
		err = advised(problem, l.dir, l.path)
	}
	return err
}

// acceptLedger writes the mark anew, once that is confirmed.
func (a *app) acceptLedger(ctx context.Context, l *ledgerFiles, yes bool) error {
	head, err := highwater.Head(ctx, l.db)
	if err != nil {
		return err
	}
	var old *markDocument
	mark, err := l.file.Read(ctx)
	if err == nil {
		old = documentOf(mark)
		err = highwater.Check(ctx, l.db.ReadOnly(), head.Store, mark)
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "noised: %s\n", privacy.AsError(err).Message)
	}
	fmt.Fprintf(a.stderr, "old mark: %s\nnew mark: %s\n", old.line(), documentOf(head).line())
	if err := a.confirm(yes, "Whatever this control store has forgotten can be spent again. Write the mark?"); err != nil {
		return err
	}
	if err := l.recordReturn(ctx, mark); err != nil {
		return storeError(l.path, err)
	}
	accepted, err := highwater.Accept(ctx, l.file, l.db)
	if err != nil {
		return storeError(l.path, err)
	}
	if err := backup.Accepted(l.dir); err != nil {
		return err
	}
	doc := map[string]*markDocument{"old": old, "new": documentOf(accepted)}
	return a.print(doc, func(w io.Writer) { fmt.Fprintf(w, "the mark is at %s\n", doc["new"].line()) })
}

// confirm asks on a terminal; elsewhere, --yes must say it.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	in, isFile := a.stdin.(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		return usagef("nobody is there to ask: add --yes to confirm")
	}
	fmt.Fprintf(a.stderr, "%s Type yes: ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was written")
	}
	return nil
}

// shown is an error without its code, for whoever runs the program.
func shown(err error) error { return errors.New(privacy.AsError(err).Message) }

// advised says why a control store and its mark do not go together, and what to
// do.
func advised(err error, dataDir, mark string) error {
	e := privacy.AsError(err)
	accept := fmt.Sprintf("noised ledger accept --data-dir %s --high-water-file %s", quote(dataDir), quote(mark))
	switch e.Code {
	case privacy.CodeNotFound:
		return fmt.Errorf("%s. If this data directory is new, or the file was lost and the directory is certainly no older copy, write it with: %s", e.Message, accept)
	case privacy.CodeConflict:
		return fmt.Errorf("%s. Put the newest control store back, or the mark that belongs to it. "+
			"Only if that is lost for good, and the tenants agree that what it had spent is spent again: %s", e.Message, accept)
	default:
		return storeError(mark, err)
	}
}

// openMark returns the file of the mark that a server was told of, or nil. It
// looks before the control store is opened, which may change it.
func (c Config) openMark() (*highwater.File, error) {
	if c.HighWaterFile == "" {
		return nil, nil
	}
	f, err := highwater.Open(c.HighWaterFile, c.DataDir)
	if err != nil {
		return nil, fmt.Errorf("refusing to serve: %w", shown(err))
	}
	return f, nil
}

// guard has a store witnessed by its mark, if there is one.
func (c Config) guard(ctx context.Context, db *controldb.DB, f *highwater.File) error {
	if f == nil {
		return nil
	}
	if _, err := highwater.Start(ctx, f, db); err != nil {
		return fmt.Errorf("refusing to serve: %w", advised(err, c.DataDir, c.HighWaterFile))
	}
	return nil
}
