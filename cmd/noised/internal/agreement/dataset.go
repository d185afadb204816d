// Package agreement has the commands about what parties agree to: contracts of
// datasets, memberships, queries that may be asked by name, and changes that wait for
// approvals.
package agreement

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// DatasetCommand is noised dataset.
func DatasetCommand(a *command.App) *cobra.Command {
	list := remote.Command(a, &cobra.Command{
		Use:   "list",
		Short: "List datasets and their members",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Call(a, func(c *wire.API) (wire.DatasetList, error) { return c.Datasets(cmd.Context()) }, writeDatasets)
		},
	})
	show := remote.Command(a, &cobra.Command{
		Use:   "show NAME",
		Short: "Show one contract and its members",
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Dataset, error) {
				return c.Dataset(cmd.Context(), args[0])
			}, func(w io.Writer, d wire.Dataset) {
				fmt.Fprintf(w, "%s, version %d in force (latest %d)\nmembers: %s\n", d.Dataset, d.Version, d.LatestVersion, memberNames(d.Members))
				writeTables(w, d.Tables)
				if err := screen.WriteJSON(w, d.Contract); err != nil {
					fmt.Fprintln(a.Stderr, err)
				}
			})
		},
	})
	return command.Group("dataset", "Declare datasets, look at them and delete them", applyCommand(a), list, show, deleteCommand(a))
}

func writeDatasets(w io.Writer, l wire.DatasetList) {
	g := screen.Grid{Header: []string{"dataset", "version", "members"}, Right: map[int]bool{1: true}}
	for _, d := range l.Items {
		g.Add(d.Dataset, strconv.Itoa(d.Version), memberNames(d.Members))
	}
	g.Write(w)
}

func deleteCommand(a *command.App) *cobra.Command {
	var yes bool
	c := remote.Command(a, &cobra.Command{
		Use:   "delete NAME [--yes]",
		Short: "Delete a dataset and what all tenants loaded into it, for good (operator)",
		Long: `Delete a dataset and what all tenants loaded into it. Nobody is asked but you,
and there is no way back: its keys are forgotten at once, the results of its
releases shredded, what runs on it stopped, and its files removed soon after.

Charges, budgets, the log and lineage stay. The name is never used again.`,
		Example: "  noised dataset delete insteval --yes",
		Args:    command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Do(a, func(c *wire.API) error {
				if err := a.Confirm(yes, fmt.Sprintf("What all tenants loaded into %s will be lost. Delete it?", args[0])); err != nil {
					return err
				}
				return c.DeleteDataset(cmd.Context(), args[0])
			}, map[string]string{"deleted": args[0]}, fmt.Sprintf("deleted dataset %s; what was spent for it stays, and so does its name", args[0]))
		},
	})
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// writeTables lists the tables of a dataset of several, with the way from each
// to the person it is about.
func writeTables(w io.Writer, tables []wire.DatasetTable) {
	if len(tables) == 0 {
		return
	}
	g := screen.Grid{Header: []string{"table", "unit", "columns"}}
	for _, t := range tables {
		unit := "in the table itself"
		switch {
		case t.Public:
			unit = "none: public"
		case t.Via != nil:
			unit = *t.Via
		}
		columns := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			columns[i] = c.Name
		}
		for i, part := range screen.Wrap(strings.Join(columns, ", "), 32) {
			if i > 0 {
				t.Name, unit = "", ""
			}
			g.Add(t.Name, unit, part)
		}
	}
	g.Write(w)
}

func applyCommand(a *command.App) *cobra.Command {
	var path string
	apply := remote.Command(a, &cobra.Command{
		Use:     "apply -f FILE",
		Short:   "Create a dataset, or a new version of its contract (operator)",
		Example: "  noised dataset apply -f insteval.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			doc, err := a.ReadFile(path)
			if err != nil {
				return err
			}
			v, err := c.ApplyContract(cmd.Context(), doc)
			if err != nil {
				return Waits(a, err)
			}
			return a.Print(v, func(w io.Writer) {
				fmt.Fprintf(w, "applied %s version %d; it takes effect for tenants that accept it (noised member accept)\n", v.Dataset, v.Version)
			})
		},
	})
	apply.Flags().StringVarP(&path, "file", "f", "", "contract in YAML or JSON; - reads standard input")
	return command.Need(apply, "file")
}

func memberNames(members []wire.Member) string {
	if len(members) == 0 {
		return "none yet"
	}
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Tenant
		if m.Suspended {
			names[i] += " (suspended)"
		}
	}
	return strings.Join(names, ", ")
}
