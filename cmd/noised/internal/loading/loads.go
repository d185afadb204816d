package loading

import (
	"encoding/json"
	"errors"
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

func listLoadsCommand(a *command.App) *cobra.Command {
	return remote.InPages(a, &cobra.Command{
		Use:   "list",
		Short: "List the loads of one's tenant, newest first",
		Args:  command.ExactArgs(),
	}, (*wire.API).Loads, func(l wire.LoadList) (*screen.Grid, *string) { return loadGrid(l.Items), l.Next })
}

func loadGrid(loads []wire.Load) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"load", "dataset", "state", "write", "loaded", "rejected", "created"}, Right: map[int]bool{4: true, 5: true},
		Narrow: screen.Narrow{Drop: []int{6, 5}, Cut: []screen.Cut{{Column: 1, Least: 12, Middle: true}}},
	}
	for _, i := range loads {
		write := string(i.Write)
		if i.DryRun {
			write = "dry run"
		}
		g.Add(i.ID, loadedInto(i), string(i.State), write, strconv.FormatInt(i.RowsLoaded, 10), strconv.FormatInt(i.RowsRejected, 10), screen.ShowTime(i.CreatedAt))
	}
	return g
}

func getLoadCommand(a *command.App) *cobra.Command {
	var wait bool
	get := remote.Command(a, &cobra.Command{
		Use:   "get ID",
		Short: "Show the state and counters of a load",
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Load, error) {
				if wait {
					return WaitForLoad(cmd.Context(), c, args[0], nil)
				}
				return c.Load(cmd.Context(), args[0])
			}, writeLoad)
		},
	})
	get.Flags().BoolVar(&wait, "wait", false, "wait until it has finished")
	return get
}

func cancelLoadCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "cancel ID",
		Short: "Cancel a load that has not finished",
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Load, error) { return c.CancelLoad(cmd.Context(), args[0]) }, writeLoad)
		},
	})
}

func rejectsCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "rejects ID",
		Short: "Print the rejected rows of a load, one JSON document a line",
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			rows, err := c.Rejects(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer rows.Close()
			if a.JSON() {
				return linesToArray(a.Stdout, rows)
			}
			_, err = io.Copy(a.Stdout, rows)
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
		fmt.Fprintf(w, ", %s rows read, %s loaded, %s rejected", screen.Thousands(l.RowsRead), screen.Thousands(l.RowsLoaded), screen.Thousands(l.RowsRejected))
	}
	fmt.Fprintln(w)
	if len(l.IgnoredColumns) > 0 {
		fmt.Fprintf(w, "  columns that the contract does not declare were ignored: %s\n", strings.Join(l.IgnoredColumns, ", "))
	}
	if l.Error != nil {
		fmt.Fprintf(w, "  %s", remote.Explain(&wire.ProblemError{Problem: *l.Error}))
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

// linesToArray copies JSON lines as one JSON array.
func linesToArray(w io.Writer, r io.Reader) error {
	rows := []json.RawMessage{}
	for in := json.NewDecoder(r); ; {
		var row json.RawMessage
		err := in.Decode(&row)
		if errors.Is(err, io.EOF) {
			return screen.WriteJSON(w, rows)
		}
		if err != nil {
			return fmt.Errorf("the server's answer is not understood: %w", err)
		}
		rows = append(rows, row)
	}
}
