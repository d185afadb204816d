package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

func (a *app) datasetCommand() *cobra.Command {
	list := a.client(&cobra.Command{
		Use:   "list",
		Short: "List datasets and their members",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Datasets(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				g := grid{header: []string{"dataset", "version", "members"}, right: map[int]bool{1: true}}
				for _, d := range l.Items {
					g.add(d.Dataset, strconv.Itoa(d.Version), memberNames(d.Members))
				}
				g.write(w)
			})
		},
	})
	show := a.client(&cobra.Command{
		Use:   "show NAME",
		Short: "Show one contract and its members",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			d, err := c.Dataset(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(d, func(w io.Writer) {
				fmt.Fprintf(w, "%s, version %d in force (latest %d)\nmembers: %s\n", d.Dataset, d.Version, d.LatestVersion, memberNames(d.Members))
				writeTables(w, d.Tables)
				if err := writeJSON(w, d.Contract); err != nil {
					fmt.Fprintln(a.stderr, err)
				}
			})
		},
	})
	return group("dataset", "Declare datasets and look at them", a.applyCommand(), list, show)
}

// writeTables lists the tables of a dataset of several, with the way from each
// to the person it is about.
func writeTables(w io.Writer, tables []wire.DatasetTable) {
	if len(tables) == 0 {
		return
	}
	g := grid{header: []string{"table", "unit", "columns"}}
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
		for i, part := range wrap(strings.Join(columns, ", "), 32) {
			if i > 0 {
				t.Name, unit = "", ""
			}
			g.add(t.Name, unit, part)
		}
	}
	g.write(w)
}

func (a *app) applyCommand() *cobra.Command {
	var path string
	apply := a.client(&cobra.Command{
		Use:     "apply -f FILE",
		Short:   "Create a dataset, or a new version of its contract (operator)",
		Example: "  noised dataset apply -f insteval.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			doc, err := a.readFile(path)
			if err != nil {
				return err
			}
			v, err := c.ApplyContract(cmd.Context(), doc)
			if err != nil {
				return a.waits(err)
			}
			return a.print(v, func(w io.Writer) {
				fmt.Fprintf(w, "applied %s version %d; it takes effect for tenants that accept it (noised member accept)\n", v.Dataset, v.Version)
			})
		},
	})
	apply.Flags().StringVarP(&path, "file", "f", "", "contract in YAML or JSON; - reads standard input")
	return need(apply, "file")
}

// readFile reads a whole small file, or standard input for "-".
func (a *app) readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(a.stdin)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the file: %w", err)
	}
	return b, nil
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
