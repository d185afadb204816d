package loading

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// ErasuresCommand is noised erasures.
func ErasuresCommand(a *command.App) *cobra.Command {
	var wait bool
	list := remote.InPages(a, &cobra.Command{
		Use:   "erasures [ID]",
		Short: "List the erasures of one's tenant, or show one",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return command.Usagef("unexpected argument %q", args[1])
			case len(args) == 0 && wait:
				return command.Usagef("missing argument ID, for --wait")
			}
			return nil
		},
	}, (*wire.API).Erasures, func(l wire.ErasureList) (*screen.Grid, *string) { return erasureGrid(l.Items), l.Next })
	listAll := list.RunE
	list.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return listAll(cmd, args)
		}
		return remote.Call(a, func(c *wire.API) (wire.Erasure, error) {
			if wait {
				return c.WaitErased(cmd.Context(), args[0], nil)
			}
			return c.Erasure(cmd.Context(), args[0])
		}, writeErasure)
	}
	list.Flags().BoolVar(&wait, "wait", false, "with an ID: wait until it has finished")
	return list
}

func erasureGrid(erasures []wire.Erasure) *screen.Grid {
	g := &screen.Grid{Header: []string{"erasure", "dataset", "state", "units", "created"}, Right: map[int]bool{3: true}, Narrow: screen.Narrow{Drop: []int{4}}}
	for _, e := range erasures {
		g.Add(e.ID, e.Dataset, string(e.State), unitsOf(e), screen.ShowTime(e.CreatedAt))
	}
	return g
}

// unitsOf is how many were named, if the caller may know.
func unitsOf(e wire.Erasure) string {
	if e.Units == nil {
		return ""
	}
	return strconv.FormatInt(*e.Units, 10)
}

// counted is a number of things.
func counted(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return screen.Thousands(n) + " " + thing
}

// writeErasure describes an erasure for people.
func writeErasure(w io.Writer, e wire.Erasure) {
	named := "units"
	if e.Units != nil {
		named = counted(*e.Units, "unit")
	}
	fmt.Fprintf(w, "%s  %s  %s from %s: %s", e.ID, e.Tenant, named, e.Dataset, e.State)
	if e.RowsErased != nil {
		fmt.Fprintf(w, ", %s erased", counted(*e.RowsErased, "row"))
	}
	fmt.Fprintln(w)
	if e.Nonce != nil && e.Commitment != nil {
		fmt.Fprintf(w, "  on the log: %s\n  which opens with the nonce %s, kept nowhere else\n", *e.Commitment, *e.Nonce)
	}
	if e.Error != nil {
		fmt.Fprintf(w, "  %s", remote.Explain(&wire.ProblemError{Problem: *e.Error}))
	}
}
