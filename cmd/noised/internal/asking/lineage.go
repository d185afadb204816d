package asking

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// LineageCommand is noised lineage.
func LineageCommand(a *command.App) *cobra.Command {
	return command.Group("lineage", "Show where answers come from and where loads went, as OpenLineage events", releaseLineageCommand(a), loadLineageCommand(a))
}

func releaseLineageCommand(a *command.App) *cobra.Command {
	var admin bool
	release := &cobra.Command{
		Use:   "release ID",
		Short: "Show the contract, the generations and the loads behind a release",
		Long: `Show the contract version, the generation read of each tenant, the loads behind
it and who owns their files. An analyst sees the releases that it was served. With
--admin, a tenant's admins and auditors see what a release took from their tenant,
and the operator and auditors of no tenant see any release.`,
		RunE: showLineage(a, func(ctx context.Context, c *wire.API, id string) (wire.LineageEvents, error) {
			if admin {
				return c.TenantReleaseLineage(ctx, id)
			}
			return c.ReleaseLineage(ctx, id)
		}),
		Args: command.ExactArgs("ID"),
	}
	release.Flags().BoolVar(&admin, "admin", false, "see it as the tenant whose rows it read")
	return remote.Command(a, release)
}

func loadLineageCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "load ID",
		Short: "Show every release that a load fed",
		Args:  command.ExactArgs("ID"),
		RunE: showLineage(a, func(ctx context.Context, c *wire.API, id string) (wire.LineageEvents, error) {
			return c.LoadLineage(ctx, id)
		}),
	})
}

func showLineage(a *command.App, get func(context.Context, *wire.API, string) (wire.LineageEvents, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return remote.Call(a, func(c *wire.API) (wire.LineageEvents, error) { return get(cmd.Context(), c, args[0]) }, func(w io.Writer, l wire.LineageEvents) {
			lineageGrid(l.Events).Write(w)
			if !l.Complete {
				fmt.Fprintln(a.Stderr, "some of it is from before lineage was recorded: it is derived, and may name more than was read")
			}
			if l.Truncated {
				fmt.Fprintln(a.Stderr, "there is more than one answer names")
			}
		})
	}
}

// lineageGrid shows what went into each run and what came out, one line for each
// of what went in.
func lineageGrid(events []wire.RunEvent) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"at", "run", "from", "state", "into"},
		Narrow: screen.Narrow{Drop: []int{0}, Cut: []screen.Cut{{Column: 4, Least: 16, Middle: true}, {Column: 2, Least: 16, Middle: true}, {Column: 3, Least: 10, Middle: true}}},
	}
	for _, e := range events {
		into := ""
		if len(e.Outputs) > 0 {
			into = lineageName(e.Outputs[0])
		}
		for _, in := range e.Inputs {
			state, _ := in.Facets["version"]["datasetVersion"].(string)
			g.Add(screen.ShowTime(e.EventTime), e.Job.Name, lineageName(in), state, into)
		}
	}
	return g
}

func lineageName(d wire.LineageDataset) string { return d.Namespace + "/" + d.Name }
