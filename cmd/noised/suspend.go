package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/containment"
)

const suspensionArgs = "KIND [NAME]"

func (a *app) suspendAnyCommand() *cobra.Command {
	var reason string
	suspend := a.client(&cobra.Command{
		Use:   "suspend " + suspensionArgs + " --reason WHY",
		Short: "Suspend a tenant, a principal, a dataset or everything, at once",
		Long: `Suspend a tenant, a principal, a dataset or everything: for the next call in
every server on the data directory, and for what runs within a second. A query
that runs is answered "suspended" and stays charged; a load that runs fails.

  tenant NAME     the operator: its principals are refused, its rows take part in nothing
                  its own admin: its rows take part in nothing, its principals may call
  principal ID    it is refused, whatever it authenticates with (a key's id will do)
  dataset NAME    nobody asks about it, reads its releases or loads into it (operator)
  everything      only operators may call, and nothing runs (operator)`,
		Example: "  noised suspend principal key_… --reason 'laptop stolen'\n  noised suspend everything --reason 'node seized'",
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name, err := suspensionOf(args)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := c.Suspend(cmd.Context(), kind, name, reason)
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) { fmt.Fprintf(w, "%s is suspended\n", suspended(string(s.Kind), s.Name)) })
		},
	})
	suspend.Flags().StringVar(&reason, "reason", "", "why, for people")
	return need(withArgs(suspend), "reason")
}

// suspended names what is or was suspended.
func suspended(kind, name string) string {
	if kind == "everything" {
		return kind
	}
	return kind + " " + name
}

func (a *app) resumeCommand() *cobra.Command {
	return withArgs(a.client(&cobra.Command{
		Use:   "resume " + suspensionArgs,
		Short: "Lift a suspension of one's own",
		Long: `Lift a suspension: operators those of operators and of the detector, a tenant's
admin those of its tenant.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name, err := suspensionOf(args)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.Lift(cmd.Context(), kind, name); err != nil {
				return err
			}
			return a.print(map[string]string{"lifted": kind, "name": name}, func(w io.Writer) { fmt.Fprintf(w, "%s is no longer suspended\n", suspended(kind, name)) })
		},
	}))
}

func (a *app) suspensionsCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "suspensions",
		Short: "List what is suspended",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Suspensions(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) { suspensionGrid(l.Items).write(w) })
		},
	})
}

func suspensionGrid(suspensions []wire.Suspension) *grid {
	g := &grid{
		header: []string{"kind", "name", "since", "whose", "by", "reason"},
		narrow: narrow{drop: []int{4}, cut: []cut{{column: 1, least: 10, middle: true}, {column: 5, least: 12}}},
	}
	for _, s := range suspensions {
		whose := value(s.Owner)
		if whose == "" {
			whose = "operators"
		}
		g.add(string(s.Kind), s.Name, showTime(s.Since), whose, s.By, value(s.Reason))
	}
	return g
}

// withArgs has a command take a kind and a name; everything has one name.
func withArgs(c *cobra.Command) *cobra.Command {
	c.Args = func(_ *cobra.Command, args []string) error {
		_, _, err := suspensionOf(args)
		return err
	}
	return c
}

func suspensionOf(args []string) (kind, name string, err error) {
	switch {
	case len(args) == 1 && args[0] == containment.KindEverything:
		return args[0], containment.All, nil
	case len(args) == 0:
		return "", "", usagef("missing argument KIND: tenant, principal, dataset or everything")
	case len(args) == 1:
		return "", "", usagef("missing argument NAME")
	case len(args) > 2:
		return "", "", usagef("unexpected argument %q", args[2])
	}
	return args[0], args[1], nil
}
