// Package oversight has the commands of whoever watches: what is suspended, which
// principals behaved unlike themselves, and which requests were refused.
package oversight

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy/containment"
)

const suspensionArgs = "KIND [NAME]"

// SuspendCommand is noised suspend.
func SuspendCommand(a *command.App) *cobra.Command {
	var reason string
	suspend := remote.Command(a, &cobra.Command{
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
			return remote.Call(a, func(c *wire.API) (wire.Suspension, error) { return c.Suspend(cmd.Context(), kind, name, reason) },
				func(w io.Writer, s wire.Suspension) {
					fmt.Fprintf(w, "%s is suspended\n", suspended(string(s.Kind), s.Name))
				})
		},
	})
	suspend.Flags().StringVar(&reason, "reason", "", "why, for people")
	return command.Need(withArgs(suspend), "reason")
}

// suspended names what is or was suspended.
func suspended(kind, name string) string {
	if kind == "everything" {
		return kind
	}
	return kind + " " + name
}

// ResumeCommand is noised resume.
func ResumeCommand(a *command.App) *cobra.Command {
	return withArgs(remote.Command(a, &cobra.Command{
		Use:   "resume " + suspensionArgs,
		Short: "Lift a suspension of one's own",
		Long: `Lift a suspension: operators those of operators and of the detector, a tenant's
admin those of its tenant.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name, err := suspensionOf(args)
			if err != nil {
				return err
			}
			return remote.Do(a, func(c *wire.API) error { return c.Lift(cmd.Context(), kind, name) },
				map[string]string{"lifted": kind, "name": name}, suspended(kind, name)+" is no longer suspended")
		},
	}))
}

// SuspensionsCommand is noised suspensions.
func SuspensionsCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "suspensions",
		Short: "List what is suspended",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Call(a, func(c *wire.API) (wire.SuspensionList, error) { return c.Suspensions(cmd.Context()) },
				func(w io.Writer, l wire.SuspensionList) { suspensionGrid(l.Items).Write(w) })
		},
	})
}

func suspensionGrid(suspensions []wire.Suspension) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"kind", "name", "since", "whose", "by", "reason"},
		Narrow: screen.Narrow{Drop: []int{4}, Cut: []screen.Cut{{Column: 1, Least: 10, Middle: true}, {Column: 5, Least: 12}}},
	}
	for _, s := range suspensions {
		whose := remote.Value(s.Owner)
		if whose == "" {
			whose = "operators"
		}
		g.Add(string(s.Kind), s.Name, screen.ShowTime(s.Since), whose, s.By, remote.Value(s.Reason))
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
		return "", "", command.Usagef("missing argument KIND: tenant, principal, dataset or everything")
	case len(args) == 1:
		return "", "", command.Usagef("missing argument NAME")
	case len(args) > 2:
		return "", "", command.Usagef("unexpected argument %q", args[2])
	}
	return args[0], args[1], nil
}
