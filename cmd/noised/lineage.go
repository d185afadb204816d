package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

func (a *app) lineageCommand() *cobra.Command {
	return group("lineage", "Show where answers come from and where loads went, as OpenLineage events", a.releaseLineageCommand(), a.loadLineageCommand())
}

func (a *app) releaseLineageCommand() *cobra.Command {
	var admin bool
	release := &cobra.Command{
		Use:   "release ID",
		Short: "Show the contract, the generations and the loads behind a release",
		Long: `Show the contract version, the generation read of each tenant, the loads behind
it and who owns their files. An analyst sees the releases that it was served. With
--admin, a tenant's admins and auditors see what a release took from their tenant,
and the operator and auditors of no tenant see any release.`,
		RunE: a.showLineage(func(ctx context.Context, c *wire.API, id string) (wire.LineageEvents, error) {
			if admin {
				return c.TenantReleaseLineage(ctx, id)
			}
			return c.ReleaseLineage(ctx, id)
		}),
		Args: exactArgs("ID"),
	}
	release.Flags().BoolVar(&admin, "admin", false, "see it as the tenant whose rows it read")
	return a.client(release)
}

func (a *app) loadLineageCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "load ID",
		Short: "Show every release that a load fed",
		Args:  exactArgs("ID"),
		RunE: a.showLineage(func(ctx context.Context, c *wire.API, id string) (wire.LineageEvents, error) {
			return c.LoadLineage(ctx, id)
		}),
	})
}

func (a *app) showLineage(get func(context.Context, *wire.API, string) (wire.LineageEvents, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.connect()
		if err != nil {
			return err
		}
		l, err := get(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		return a.print(l, func(w io.Writer) {
			lineageGrid(l.Events).write(w)
			if !l.Complete {
				fmt.Fprintln(a.stderr, "some of it is from before lineage was recorded: it is derived, and may name more than was read")
			}
			if l.Truncated {
				fmt.Fprintln(a.stderr, "there is more than one answer names")
			}
		})
	}
}

// lineageGrid shows what went into each run and what came out, one line for each
// of what went in.
func lineageGrid(events []wire.RunEvent) *grid {
	g := &grid{
		header: []string{"at", "run", "from", "state", "into"},
		narrow: narrow{drop: []int{0}, cut: []cut{{column: 4, least: 16, middle: true}, {column: 2, least: 16, middle: true}, {column: 3, least: 10, middle: true}}},
	}
	for _, e := range events {
		into := ""
		if len(e.Outputs) > 0 {
			into = lineageName(e.Outputs[0])
		}
		for _, in := range e.Inputs {
			state, _ := in.Facets["version"]["datasetVersion"].(string)
			g.add(showTime(e.EventTime), e.Job.Name, lineageName(in), state, into)
		}
	}
	return g
}

func lineageName(d wire.LineageDataset) string { return d.Namespace + "/" + d.Name }
