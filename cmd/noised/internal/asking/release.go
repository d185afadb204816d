package asking

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// ReleaseCommand is noised release.
func ReleaseCommand(a *command.App) *cobra.Command {
	return command.Group("release", "List one's answers and read them again, free", listReleasesCommand(a), getReleaseCommand(a), releaseReceiptCommand(a))
}

func listReleasesCommand(a *command.App) *cobra.Command {
	return remote.InPages(a, &cobra.Command{
		Use:   "list",
		Short: "List one's releases, newest first",
		Args:  command.ExactArgs(),
	}, (*wire.API).Releases, func(l wire.ReleaseList) (*screen.Grid, *string) { return releaseGrid(l.Items), l.Next })
}

func releaseGrid(releases []wire.Release) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"release", "dataset", "ε", "δ", "created", "again", "sql"}, Right: map[int]bool{2: true, 3: true, 5: true},
		Narrow: screen.Narrow{Drop: []int{3, 5, 4}, Cut: []screen.Cut{{Column: 6, Least: 24}, {Column: 1, Least: 8}}},
	}
	for _, r := range releases {
		g.Add(r.ID, r.Dataset, screen.Short(r.Epsilon), screen.Short(r.Delta), screen.ShowTime(r.CreatedAt), strconv.FormatInt(r.CachedHits, 10), screen.OneLine(r.SQL, 60))
	}
	return g
}

func getReleaseCommand(a *command.App) *cobra.Command {
	var intervals bool
	get := command.OwnFormats(remote.Command(a, &cobra.Command{
		Use:   "get ID",
		Short: "Read a release again: the same numbers, at no charge",
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			form, err := formOf(a)
			if err != nil {
				return err
			}
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			r, err := c.Release(cmd.Context(), args[0], form.media, intervals || form.table)
			if err != nil {
				return err
			}
			return showResult(a, form, r)
		},
	}))
	get.Flags().BoolVar(&intervals, "intervals", false, "add the columns c_low and c_high (tables always show them)")
	return get
}

func releaseReceiptCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "receipt ID > FILE",
		Short: "Print the proof that a release and its charge are on the log",
		Long: `Print the receipt of a release: the leaves of its charge and of the release, how
they are hashed into the log, and the log's state, signed. Analysts get those of
their own releases, people of a tenant those of releases that it was charged for.
Keep it: noised receipt verify checks it without the server.`,
		Args: command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			r, err := c.Receipt(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return screen.WriteJSON(a.Stdout, r)
		},
	})
}
