// Package party has the commands about who takes part: tenants, API keys, principals,
// and what a tenant may use.
package party

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

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
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			t, err := c.CreateTenant(cmd.Context(), args[0], region)
			if err != nil {
				return err
			}
			return a.Print(t, func(w io.Writer) { fmt.Fprintf(w, "created tenant %s\n", t.Name) })
		},
	})
	create.Flags().StringVar(&region, "region", "", "where the tenant's rows belong: servers of other regions neither store nor read them")
	list := remote.Command(a, &cobra.Command{
		Use:   "list",
		Short: "List tenants (operator)",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			l, err := c.Tenants(cmd.Context())
			if err != nil {
				return err
			}
			return a.Print(l, func(w io.Writer) {
				g := screen.Grid{Header: []string{"tenant", "region", "state", "created"}}
				for _, t := range l.Items {
					g.Add(t.Name, remote.Value(t.Region), suspension(t.Suspended), screen.ShowTime(t.CreatedAt))
				}
				g.Write(w)
			})
		},
	})
	return command.Group("tenant", "Create, list, suspend and delete tenants", create, list,
		regionCommand(a),
		suspendCommand(a, "suspend", "Suspend a tenant: its keys stop and its data leaves all answers", true),
		suspendCommand(a, "resume", "Lift a tenant's suspension", false),
		deleteTenantCommand(a))
}

func suspendCommand(a *command.App, use, short string, suspended bool) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			t, err := c.SetSuspended(cmd.Context(), args[0], suspended)
			if err != nil {
				return err
			}
			return a.Print(t, func(w io.Writer) { fmt.Fprintf(w, "tenant %s is %s\n", t.Name, suspension(t.Suspended)) })
		},
	})
}

func regionCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "region NAME REGION",
		Short: "Say where a tenant's rows belong, as long as it has none in another region",
		Args:  command.ExactArgs("NAME", "REGION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			t, err := c.SetRegion(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			return a.Print(t, func(w io.Writer) { fmt.Fprintf(w, "tenant %s belongs to %s\n", t.Name, remote.Value(t.Region)) })
		},
	})
}

func deleteTenantCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a tenant; its budget accounts stay",
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			if err := c.DeleteTenant(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.Print(map[string]string{"deleted": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "deleted tenant %s\n", args[0]) })
		},
	})
}

func suspension(suspended bool) string {
	if suspended {
		return "suspended"
	}
	return "active"
}
