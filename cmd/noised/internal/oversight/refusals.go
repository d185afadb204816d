package oversight

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// RefusalsCommand is noised refusals. It is not called audit: that is the battery
// which attacks the program.
func RefusalsCommand(a *command.App) *cobra.Command {
	var s wire.RefusalSearch
	var from, to string
	list := remote.InPages(a, &cobra.Command{
		Use:   "refusals",
		Short: "List requests that were refused, newest first",
		Long: `List requests that were refused, newest first: those that concern one's
tenant, or all of them with the operator's key or that of an auditor of no tenant.
A tenant is concerned by what its own principals asked for, by what names it, and
by what asks for an object of its.`,
		Args: func(cmd *cobra.Command, args []string) (err error) {
			if err := command.ExactArgs()(cmd, args); err != nil {
				return err
			}
			if s.From, err = timeFlag("from", from); err != nil {
				return err
			}
			s.To, err = timeFlag("to", to)
			return err
		},
	}, func(c *wire.API, ctx context.Context, cursor string, limit int32) (wire.RefusalList, error) {
		s.Cursor, s.Limit = cursor, limit
		return c.Refusals(ctx, s)
	}, func(l wire.RefusalList) (*screen.Grid, *string) { return refusalGrid(l.Items), l.Next })
	list.Flags().StringVar(&s.Tenant, "tenant", "", "that it concerns")
	list.Flags().StringVar(&s.Principal, "principal", "", "who asked")
	list.Flags().StringVar(&s.Operation, "operation", "", "what was asked for, such as getLoad")
	list.Flags().StringVar(&s.Code, "code", "", "why it was refused, such as forbidden")
	list.Flags().StringVar(&from, "from", "", "the earliest time, such as 2026-05-31T09:30:00Z")
	list.Flags().StringVar(&to, "to", "", "the time that all are before")
	return list
}

func timeFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, command.Usagef("--%s %q is not a time with its zone, such as 2026-05-31T09:30:00Z", name, text)
	}
	return t, nil
}

func refusalGrid(refusals []wire.Refusal) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"at", "code", "operation", "of", "principal", "tenant"},
		Narrow: screen.Narrow{Drop: []int{5}, Cut: []screen.Cut{{Column: 3, Least: 12, Middle: true}, {Column: 4, Least: 10, Middle: true}}},
	}
	for _, r := range refusals {
		var of []string
		for _, name := range slices.Sorted(maps.Keys(r.Params)) {
			of = append(of, name+"="+r.Params[name])
		}
		whose := remote.Value(r.Tenant)
		if r.Foreign {
			whose = "another's or none"
		}
		g.Add(screen.ShowTime(r.At), r.Code, remote.Value(r.Operation), strings.Join(of, " "), remote.Value(r.Principal), whose)
	}
	return g
}
