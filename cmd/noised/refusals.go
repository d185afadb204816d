package main

import (
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

// refusalsCommand is not called audit: that is the battery which attacks the
// program.
func (a *app) refusalsCommand() *cobra.Command {
	var page pageFlags
	var s wire.RefusalSearch
	var from, to string
	list := a.client(&cobra.Command{
		Use:   "refusals",
		Short: "List requests that were refused, newest first",
		Long: `List requests that were refused, newest first: those that concern one's
tenant, or all of them with the operator's key or that of an auditor of no tenant.
A tenant is concerned by what its own principals asked for, by what names it, and
by what asks for an object of its.`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if s.From, err = timeFlag("from", from); err != nil {
				return err
			}
			if s.To, err = timeFlag("to", to); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			s.Cursor, s.Limit = page.cursor, page.limit
			l, err := c.Refusals(cmd.Context(), s)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				refusalGrid(l.Items).write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	page.register(list)
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
		return t, usagef("--%s %q is not a time with its zone, such as 2026-05-31T09:30:00Z", name, text)
	}
	return t, nil
}

func refusalGrid(refusals []wire.Refusal) *grid {
	g := &grid{
		header: []string{"at", "code", "operation", "of", "principal", "tenant"},
		narrow: narrow{drop: []int{5}, cut: []cut{{column: 3, least: 12, middle: true}, {column: 4, least: 10, middle: true}}},
	}
	for _, r := range refusals {
		var of []string
		for _, name := range slices.Sorted(maps.Keys(r.Params)) {
			of = append(of, name+"="+r.Params[name])
		}
		whose := value(r.Tenant)
		if r.Foreign {
			whose = "another's or none"
		}
		g.add(showTime(r.At), r.Code, value(r.Operation), strings.Join(of, " "), value(r.Principal), whose)
	}
	return g
}
