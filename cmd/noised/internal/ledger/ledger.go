// Package ledger has the commands that show the ledger of a data directory beside its
// high-water mark, and that accept one which went back.
package ledger

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/witness"
	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/highwater"
)

// Command is noised ledger.
func Command(a *command.App) *cobra.Command {
	return command.Group("ledger", "Look at the ledger of a data directory, and at its high-water mark",
		ledgerStatusCommand(a), ledgerAcceptCommand(a))
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

func ledgerStatusCommand(a *command.App) *cobra.Command {
	var f ledgerFlags
	c := &cobra.Command{
		Use:   "status --data-dir DIR [--high-water-file FILE]",
		Short: "Show the log's size and root, and whether the mark agrees",
		Long: `Show how many entries the ledger's log has and the root hash over them, and
the same of the high-water mark. The exit code is 1 if a server would refuse
the two together. A server may be running.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return witness.With(cmd.Context(), f.dataDir, f.mark, func(l *witness.Files) error { return showLedger(cmd.Context(), a, l) })
		},
	}
	f.register(c)
	return command.Need(c, "data-dir")
}

// showLedger prints the log's head and the mark.
func showLedger(ctx context.Context, a *command.App, l *witness.Files) error {
	head, err := highwater.Head(ctx, l.DB)
	if err != nil {
		return err
	}
	doc := struct {
		*witness.Document
		Mark     *witness.Document `json:"mark,omitempty"`
		Problem  string            `json:"problem,omitempty"`
		Restored *time.Time        `json:"restored,omitempty"` // from a snapshot of then, which nobody has accepted
	}{Document: witness.DocumentOf(head)}
	was, err := backup.WasRestored(l.Dir)
	if err != nil {
		return err
	}
	if was != nil {
		doc.Restored = &was.At
	}
	var problem error
	if l.File != nil {
		mark, err := l.File.Read(ctx)
		if err == nil {
			doc.Mark = witness.DocumentOf(mark)
			err = highwater.Check(ctx, l.DB.ReadOnly(), head.Store, mark)
		}
		if problem = err; err != nil {
			doc.Problem = privacy.AsError(err).Message
		}
	}
	err = a.Print(doc, func(w io.Writer) {
		fmt.Fprintf(w, "control store  %s\nlog            %s\n", head.Store, doc.Line())
		if l.File != nil {
			fmt.Fprintf(w, "mark           %s\n", doc.Mark.Line())
		}
		if was != nil {
			fmt.Fprintf(w, "restored       from a snapshot of %s; nobody has accepted it yet\n", was.At.Format(time.RFC3339))
		}
	})
	if err == nil && problem != nil {
		err = witness.Advised(problem, l.Dir, l.Path)
	}
	return err
}
