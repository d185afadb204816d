// Package policies has the commands about policies: they are checked, tried on cases and
// explained without a server, and put in force in one.
package policies

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// Command is noised policy.
func Command(a *command.App) *cobra.Command {
	return command.Group("policy", "Check, test, explain and set the policies that decide who may ask what",
		validatePolicyCommand(a), testPolicyCommand(a), explainPolicyCommand(a),
		putPolicyCommand(a), getPolicyCommand(a), policyVersionsCommand(a),
		policySchemaCommand(a), policyDefaultsCommand(a))
}

// policyFiles requires at least one file.
func policyFiles(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return command.Usagef("missing argument FILES: name at least one file of policies")
	}
	return nil
}

// parsePolicies reads and validates files; the defaults when there are none.
func parsePolicies(paths []string) (*policy.Set, error) {
	schema, err := operation.PolicySchema()
	if err != nil {
		return nil, err
	}
	files := policy.Defaults()
	if len(paths) > 0 {
		if files, err = policy.ReadFiles(paths); err != nil {
			return nil, err
		}
	}
	set, err := policy.Parse(schema, files)
	var e *privacy.Error
	if errors.As(err, &e) {
		return nil, errors.New(faultsOf(e))
	}
	return set, err
}

// faultsOf lists the faults of a set, one a line.
func faultsOf(e *privacy.Error) string {
	if len(e.Problems) == 0 {
		return e.Message
	}
	lines := []string{"the policies do not hold:"}
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("  %s:%d: %s", p.Field, p.Line, p.Message))
	}
	return strings.Join(lines, "\n")
}

func validatePolicyCommand(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILES…",
		Short: "Check policies against the schema, without a server",
		Long: `Check policies against the schema, without a server.

Policies are written in Cedar. One that names an action, an attribute or a type
that is not in the schema is a fault, as is a comparison of a number and a text.`,
		Example: "  noised policy validate policies/*.cedar",
		Args:    policyFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := parsePolicies(args)
			if err != nil {
				return err
			}
			return a.Print(map[string][]string{"policies": set.IDs()}, func(w io.Writer) {
				fmt.Fprintf(w, "%d policies hold: %s\n", len(set.IDs()), strings.Join(set.IDs(), ", "))
			})
		},
	}
}

func putPolicyCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "put FILES…",
		Short: "Put a whole set of policies in force",
		Long: `Put a whole set of policies in force.

The files take the place of all policies so far, get the next version and are
kept for ever. A set that does not hold changes nothing.`,
		Example: "  noised policy put policies/*.cedar",
		Args:    policyFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := policy.ReadFiles(args)
			if err != nil {
				return err
			}
			return remote.Call(a, func(c *wire.API) (wire.PolicyAccepted, error) {
				return c.PutPolicies(cmd.Context(), files)
			}, func(w io.Writer, accepted wire.PolicyAccepted) {
				fmt.Fprintf(w, "version %d is in force: %s\n", accepted.Version, strings.Join(accepted.Policies, ", "))
			})
		},
	})
}

func getPolicyCommand(a *command.App) *cobra.Command {
	var version int64
	get := remote.Command(a, &cobra.Command{
		Use:   "get",
		Short: "Print the policies in force, or an earlier version",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Call(a, func(c *wire.API) (wire.PolicyText, error) {
				return c.Policies(cmd.Context(), version)
			}, func(w io.Writer, p wire.PolicyText) {
				for _, name := range slices.Sorted(maps.Keys(p.Files)) {
					fmt.Fprintf(w, "// %s of version %d\n%s\n", name, p.Version, strings.TrimRight(p.Files[name], "\n"))
				}
			})
		},
	})
	get.Flags().Int64Var(&version, "version", 0, "number of the version (default: the one in force)")
	return get
}

func policyVersionsCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "versions",
		Short: "List the versions of the policies",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Call(a, func(c *wire.API) (wire.PolicyVersionList, error) { return c.PolicyVersions(cmd.Context()) },
				func(w io.Writer, l wire.PolicyVersionList) { versionGrid(l.Items).Write(w) })
		},
	})
}

func versionGrid(versions []wire.PolicyVersion) *screen.Grid {
	g := &screen.Grid{Header: []string{"version", "source", "created", "by", "state"}, Right: map[int]bool{0: true}}
	for _, v := range versions {
		state := ""
		if v.InForce {
			state = "in force"
		}
		g.Add(strconv.FormatInt(v.Version, 10), string(v.Source), screen.ShowTime(v.CreatedAt), remote.Value(v.CreatedBy), state)
	}
	return g
}

func policySchemaCommand(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print what policies may speak of: actions, resources, attributes",
		Args:  command.ExactArgs(),
		RunE: func(*cobra.Command, []string) error {
			schema, err := operation.PolicySchema()
			if err != nil {
				return err
			}
			return a.Print(map[string]any{"schema": schema.Text(), "actions": schema.Actions()}, func(w io.Writer) { fmt.Fprint(w, schema.Text()) })
		},
	}
}

func policyDefaultsCommand(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:   "defaults",
		Short: "Print the policies of a server that was given none",
		Args:  command.ExactArgs(),
		RunE: func(*cobra.Command, []string) error {
			files := policy.Defaults()
			return a.Print(map[string]policy.Files{"files": files}, func(w io.Writer) { fmt.Fprint(w, files[policy.DefaultFile]) })
		},
	}
}
