package remote

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// InPages makes c the command of a list that the server gives in pages: with the flags
// that say which page, and a table of that page for people. Where there is another, they
// are told on standard error how to get it.
func InPages[T any](a *command.App, c *cobra.Command,
	list func(api *wire.API, ctx context.Context, cursor string, limit int32) (T, error),
	table func(page T) (g *screen.Grid, next *string),
) *cobra.Command {
	var cursor string
	var limit int32
	c.Flags().StringVar(&cursor, "cursor", "", "where the page before ended")
	c.Flags().Int32Var(&limit, "limit", 0, "entries in a page (default 100)")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return Call(a, func(api *wire.API) (T, error) { return list(api, cmd.Context(), cursor, limit) }, func(w io.Writer, page T) {
			g, next := table(page)
			g.Write(w)
			if next != nil {
				fmt.Fprintf(a.Stderr, "there is more: add --cursor %s\n", *next)
			}
		})
	}
	return Command(a, c)
}
