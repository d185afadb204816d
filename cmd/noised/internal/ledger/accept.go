package ledger

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/witness"
	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/highwater"
)

func ledgerAcceptCommand(a *command.App) *cobra.Command {
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
				return acceptRestored(cmd.Context(), a, f)
			}
			return witness.With(cmd.Context(), f.dataDir, f.mark, func(l *witness.Files) error { return acceptLedger(cmd.Context(), a, l, f.yes) })
		},
	}
	f.register(c)
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	return command.Need(c, "data-dir")
}

// acceptLedger writes the mark anew, once that is confirmed.
func acceptLedger(ctx context.Context, a *command.App, l *witness.Files, yes bool) error {
	head, err := highwater.Head(ctx, l.DB)
	if err != nil {
		return err
	}
	var old *witness.Document
	mark, err := l.File.Read(ctx)
	if err == nil {
		old = witness.DocumentOf(mark)
		err = highwater.Check(ctx, l.DB.ReadOnly(), head.Store, mark)
	}
	if err != nil {
		fmt.Fprintf(a.Stderr, "noised: %s\n", privacy.AsError(err).Message)
	}
	fmt.Fprintf(a.Stderr, "old mark: %s\nnew mark: %s\n", old.Line(), witness.DocumentOf(head).Line())
	if err := a.Confirm(yes, "Whatever this control store has forgotten can be spent again. Write the mark?"); err != nil {
		return err
	}
	if err := l.RecordReturn(ctx, mark); err != nil {
		return datadir.StoreError(l.Path, err)
	}
	accepted, err := highwater.Accept(ctx, l.File, l.DB)
	if err != nil {
		return datadir.StoreError(l.Path, err)
	}
	if err := backup.Accepted(l.Dir); err != nil {
		return err
	}
	doc := map[string]*witness.Document{"old": old, "new": witness.DocumentOf(accepted)}
	return a.Print(doc, func(w io.Writer) { fmt.Fprintf(w, "the mark is at %s\n", doc["new"].Line()) })
}

// acceptRestored lets a restored directory of which no mark is kept be served.
func acceptRestored(ctx context.Context, a *command.App, f ledgerFlags) error {
	return witness.With(ctx, f.dataDir, f.mark, func(l *witness.Files) error {
		was, err := backup.WasRestored(f.dataDir)
		if err != nil {
			return err
		}
		if was == nil {
			return command.Usagef("missing flag --high-water-file")
		}
		fmt.Fprintf(a.Stderr, "%s was restored from a snapshot of %s\n", f.dataDir, was.At.Format(time.RFC3339))
		if err := a.Confirm(f.yes, "Whatever was spent since can be spent again. Accept it?"); err != nil {
			return err
		}
		if err := l.RecordReturn(ctx, highwater.Mark{}); err != nil {
			return err
		}
		if err := backup.Accepted(f.dataDir); err != nil {
			return err
		}
		return a.Print(was, func(w io.Writer) { fmt.Fprintf(w, "%s is accepted as it is\n", f.dataDir) })
	})
}
