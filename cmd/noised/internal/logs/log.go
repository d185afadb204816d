// Package logs has the commands about the log of everything that was spent and done:
// entries and signed states of it, its key, and the checks that tenants make for
// themselves, of the whole log and of one release's receipt.
package logs

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// Command is noised log.
func Command(a *command.App) *cobra.Command {
	return command.Group("log", "Look at the record of everything that was spent and done, and verify it",
		logListCommand(a), logCheckpointCommand(a), logVerifyCommand(a), logKeyCommand(a))
}

func logListCommand(a *command.App) *cobra.Command {
	return remote.InPages(a, &cobra.Command{
		Use:   "list",
		Short: "List the entries that concern one's tenant, newest first",
		Long: `List the log's entries that concern one's tenant, newest first. With --format
json each has its leaf, as it was hashed, and what the leaf commits to of one's
own. Keep those: they open the log when nobody else does.`,
		Args: command.ExactArgs(),
	}, (*wire.API).Log, func(l wire.LogEntryList) (*screen.Grid, *string) { return logGrid(l.Items), l.Next })
}

func logGrid(entries []wire.LogEntry) *screen.Grid {
	g := &screen.Grid{Header: []string{"entry", "kind", "at", "own", "leaf"}, Right: map[int]bool{0: true}, Narrow: screen.Narrow{Drop: []int{3}, Cut: []screen.Cut{{Column: 4, Least: 24}}}}
	for _, e := range entries {
		own := ""
		for i, o := range e.Opened {
			if i > 0 {
				own += " "
			}
			own += o.Text
		}
		g.Add(fmt.Sprint(e.Index), e.Kind, screen.ShowTime(e.At), screen.OneLine(own, 60), screen.OneLine(remote.Value(e.Leaf), 80))
	}
	return g
}

func logCheckpointCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "checkpoint > FILE",
		Short: "Print the state of the log, signed, to be kept",
		Long: `Print the state of a server's log, signed. It needs no key. Keep it: noised log
verify --checkpoint FILE tells later whether the log is still the one of now.`,
		Args: command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote.Keyless(a)
			if err != nil {
				return err
			}
			signed, err := c.Checkpoint(cmd.Context())
			if err != nil {
				return err
			}
			return a.Print(map[string]string{"checkpoint": string(signed)}, func(w io.Writer) { fmt.Fprintf(w, "%s", signed) })
		},
	})
}
