package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

func (a *app) listLoadsCommand() *cobra.Command {
	var page pageFlags
	list := a.client(&cobra.Command{
		Use:   "list",
		Short: "List the loads of one's tenant, newest first",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Loads(cmd.Context(), page.cursor, page.limit)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				loadGrid(l.Items).write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	page.register(list)
	return list
}

func loadGrid(loads []wire.Load) *grid {
	g := &grid{
		header: []string{"load", "dataset", "state", "write", "loaded", "rejected", "created"}, right: map[int]bool{4: true, 5: true},
		narrow: narrow{drop: []int{6, 5}, cut: []cut{{column: 1, least: 12, middle: true}}},
	}
	for _, i := range loads {
		write := string(i.Write)
		if i.DryRun {
			write = "dry run"
		}
		g.add(i.ID, loadedInto(i), string(i.State), write, strconv.FormatInt(i.RowsLoaded, 10), strconv.FormatInt(i.RowsRejected, 10), showTime(i.CreatedAt))
	}
	return g
}

func (a *app) getLoadCommand() *cobra.Command {
	var wait bool
	get := a.client(&cobra.Command{
		Use:   "get ID",
		Short: "Show the state and counters of a load",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			get := c.Load
			if wait {
				get = func(ctx context.Context, id string) (wire.Load, error) { return waitForLoad(ctx, c, id, nil) }
			}
			l, err := get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) { writeLoad(w, l) })
		},
	})
	get.Flags().BoolVar(&wait, "wait", false, "wait until it has finished")
	return get
}

func (a *app) cancelLoadCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "cancel ID",
		Short: "Cancel a load that has not finished",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.CancelLoad(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) { writeLoad(w, l) })
		},
	})
}

func (a *app) rejectsCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "rejects ID",
		Short: "Print the rejected rows of a load, one JSON document a line",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := a.wantJSON()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			rows, err := c.Rejects(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer rows.Close()
			if asJSON {
				return linesToArray(a.stdout, rows)
			}
			_, err = io.Copy(a.stdout, rows)
			return err
		},
	})
}

// writeLoad describes a load for people.
func writeLoad(w io.Writer, l wire.Load) {
	owner := l.Tenant
	if owner == "" {
		owner = "public"
	}
	fmt.Fprintf(w, "%s  %s  %s into %s: %s", l.ID, owner, l.Write, loadedInto(l), l.State)
	if l.State != wire.LoadStatePending {
		fmt.Fprintf(w, ", %s rows read, %s loaded, %s rejected", thousands(l.RowsRead), thousands(l.RowsLoaded), thousands(l.RowsRejected))
	}
	fmt.Fprintln(w)
	if len(l.IgnoredColumns) > 0 {
		fmt.Fprintf(w, "  columns that the contract does not declare were ignored: %s\n", strings.Join(l.IgnoredColumns, ", "))
	}
	if l.Error != nil {
		fmt.Fprintf(w, "  %s", explainError(&wire.ProblemError{Problem: *l.Error}))
	}
	if l.RowsRejected > 0 {
		fmt.Fprintf(w, "  see why rows were rejected: noised load rejects %s\n", l.ID)
	}
	if l.DryRun {
		fmt.Fprintln(w, "  dry run: nothing is published")
	}
}

// loadedInto names the dataset, and the table of one with several.
func loadedInto(l wire.Load) string {
	if l.Table == nil {
		return l.Dataset
	}
	return l.Dataset + "." + *l.Table
}

// thousands prints 73421 as 73,421.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
