package policies

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

func explainPolicyCommand(a *command.App) *cobra.Command {
	var c policyCase
	var path, name string
	explain := &cobra.Command{
		Use:   "explain [FILES…]",
		Short: "Say which policies decide a call, without a server",
		Long: `Say which policies decide a call, without a server; of the defaults where no
file is named. The call is given by flags, or is a case of a file of cases.

Roles and ownership are decided before the policies and are not looked at here.`,
		Example: `  noised policy explain --role analyst --action query --dataset insteval --epsilon 0.5 --purpose research
  noised policy explain policies/*.cedar --cases cases.yaml --case "no research after hours"`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := parsePolicies(args)
			if err != nil {
				return err
			}
			if (path == "") != (name == "") {
				return command.Usagef("--cases and --case belong together")
			}
			if path != "" {
				if c, err = namedCase(path, name); err != nil {
					return err
				}
			}
			r, err := c.request(set.Schema())
			if err != nil {
				return command.Usagef("%s", err)
			}
			return printDecision(a, set, set.Decide(r), c.Action)
		},
	}
	f := explain.Flags()
	f.StringVar(&path, "cases", "", "file of cases (YAML)")
	f.StringVar(&name, "case", "", "name of the case that is explained")
	c.register(f)
	return explain
}

// printDecision says what was decided of an action, and the texts of the policies that
// did.
func printDecision(a *command.App, set *policy.Set, d policy.Decision, action string) error {
	why := "permitted"
	if err := d.Err(); err != nil {
		why = privacy.AsError(err).Message
	}
	doc := map[string]any{"decision": verdict(d), "policies": append([]string{}, d.Policies...), "why": why, "considered": set.Considered(action)}
	return a.Print(doc, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s\n", verdict(d), why)
		for _, id := range d.Policies {
			fmt.Fprintf(w, "\n%s\n", set.Text(id))
		}
		if len(d.Policies) == 0 {
			fmt.Fprintf(w, "considered and not applicable: %s\n", strings.Join(set.Considered(action), ", "))
		}
	})
}

// register declares a flag for everything that a case says of a call.
func (c *policyCase) register(f *pflag.FlagSet) {
	f.StringVar(&c.Principal.ID, "principal", "", "id of the caller")
	f.StringVar(&c.Principal.Role, "role", "", "role of the caller")
	f.StringVar(&c.Principal.Tenant, "tenant", "", "tenant of the caller")
	f.StringVar(&c.Principal.Group, "group", "", "group of the caller")
	f.StringVar(&c.Action, "action", "query", "what is called")
	f.StringVar(&c.Resource.Dataset, "dataset", "", "dataset that the call is about")
	f.StringVar(&c.Resource.Tenant, "resource-tenant", "", "tenant that the call is about")
	f.StringVar(&c.Resource.Region, "resource-region", "", "region of that tenant")
	f.StringVar(&c.Context.Purpose, "purpose", "", "purpose of the question")
	f.StringSliceVar(&c.Context.Aggregates, "aggregates", nil, "aggregates of the question")
	f.StringSliceVar(&c.Context.Tenants, "tenants", nil, "tenants that the call touches")
	f.Float64Var(&c.Context.Epsilon, "epsilon", 0, "ε of the question")
	f.Float64Var(&c.Context.Delta, "delta", 0, "δ of the question")
	f.StringVar(&c.Context.At, "at", "", "time of the call, e.g. 2026-03-02T10:00:00Z (default: noon of a Monday)")
	f.StringVar(&c.Context.Region, "region", "", "region of the server")
}

func namedCase(path, name string) (policyCase, error) {
	cases, err := readCases(path)
	if err != nil {
		return policyCase{}, err
	}
	for _, c := range cases {
		if c.Name == name {
			return c, nil
		}
	}
	return policyCase{}, fmt.Errorf("%s has no case %q", path, name)
}
