package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) tenantCommand() *cobra.Command {
	var region string
	create := a.client(&cobra.Command{
		Use:   "create NAME",
		Short: "Create a tenant (operator)",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t, err := c.CreateTenant(cmd.Context(), args[0], region)
			if err != nil {
				return err
			}
			return a.print(t, func(w io.Writer) { fmt.Fprintf(w, "created tenant %s\n", t.Name) })
		},
	})
	create.Flags().StringVar(&region, "region", "", "where the tenant's rows belong: servers of other regions neither store nor read them")
	list := a.client(&cobra.Command{
		Use:   "list",
		Short: "List tenants (operator)",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Tenants(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				g := grid{header: []string{"tenant", "region", "state", "created"}}
				for _, t := range l.Items {
					g.add(t.Name, value(t.Region), suspension(t.Suspended), showTime(t.CreatedAt))
				}
				g.write(w)
			})
		},
	})
	return group("tenant", "Create, list, suspend and delete tenants", create, list,
		a.regionCommand(),
		a.suspendCommand("suspend", "Suspend a tenant: its keys stop and its data leaves all answers", true),
		a.suspendCommand("resume", "Lift a tenant's suspension", false),
		a.deleteTenantCommand())
}

func (a *app) suspendCommand(use, short string, suspended bool) *cobra.Command {
	return a.client(&cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t, err := c.SetSuspended(cmd.Context(), args[0], suspended)
			if err != nil {
				return err
			}
			return a.print(t, func(w io.Writer) { fmt.Fprintf(w, "tenant %s is %s\n", t.Name, suspension(t.Suspended)) })
		},
	})
}

func (a *app) regionCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "region NAME REGION",
		Short: "Say where a tenant's rows belong, as long as it has none in another region",
		Args:  exactArgs("NAME", "REGION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t, err := c.SetRegion(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			return a.print(t, func(w io.Writer) { fmt.Fprintf(w, "tenant %s belongs to %s\n", t.Name, value(t.Region)) })
		},
	})
}

func (a *app) deleteTenantCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a tenant; its budget accounts stay",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.DeleteTenant(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"deleted": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "deleted tenant %s\n", args[0]) })
		},
	})
}

func suspension(suspended bool) string {
	if suspended {
		return "suspended"
	}
	return "active"
}
