// Package party has the commands about who takes part: tenants, API keys, principals,
// and what a tenant may use.
package party

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// TenantCommand is noised tenant.
func TenantCommand(a *command.App) *cobra.Command {
	var region string
	create := remote.Command(a, &cobra.Command{
		Use:   "create NAME",
		Short: "Create a tenant (operator)",
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Tenant, error) { return c.CreateTenant(cmd.Context(), args[0], region) },
				func(w io.Writer, t wire.Tenant) { fmt.Fprintf(w, "created tenant %s\n", t.Name) })
		},
	})
	create.Flags().StringVar(&region, "region", "", "where the tenant's rows belong: servers of other regions neither store nor read them")
	list := remote.Command(a, &cobra.Command{
		Use:   "list",
		Short: "List tenants (operator)",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Call(a, func(c *wire.API) (wire.TenantList, error) { return c.Tenants(cmd.Context()) }, writeTenants)
		},
	})
	return command.Group("tenant", "Create, list, suspend and delete tenants", create, list,
		regionCommand(a),
		suspendCommand(a, "suspend", "Suspend a tenant: its keys stop and its data leaves all answers", true),
		suspendCommand(a, "resume", "Lift a tenant's suspension", false),
		deleteTenantCommand(a))
}

func writeTenants(w io.Writer, l wire.TenantList) {
	g := screen.Grid{Header: []string{"tenant", "region", "state", "created"}}
	for _, t := range l.Items {
		g.Add(t.Name, remote.Value(t.Region), suspension(t.Suspended), screen.ShowTime(t.CreatedAt))
	}
	g.Write(w)
}

func suspendCommand(a *command.App, use, short string, suspended bool) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Tenant, error) { return c.SetSuspended(cmd.Context(), args[0], suspended) },
				func(w io.Writer, t wire.Tenant) { fmt.Fprintf(w, "tenant %s is %s\n", t.Name, suspension(t.Suspended)) })
		},
	})
}

func regionCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "region NAME REGION",
		Short: "Say where a tenant's rows belong, as long as it has none in another region",
		Args:  command.ExactArgs("NAME", "REGION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Tenant, error) { return c.SetRegion(cmd.Context(), args[0], args[1]) },
				func(w io.Writer, t wire.Tenant) {
					fmt.Fprintf(w, "tenant %s belongs to %s\n", t.Name, remote.Value(t.Region))
				})
		},
	})
}

func deleteTenantCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a tenant; its budget accounts stay",
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Do(a, func(c *wire.API) error { return c.DeleteTenant(cmd.Context(), args[0]) },
				map[string]string{"deleted": args[0]}, "deleted tenant "+args[0])
		},
	})
}

func suspension(suspended bool) string {
	if suspended {
		return "suspended"
	}
	return "active"
}
