package policies

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/namedfile"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// maxCases bounds a file of cases.
const maxCases = 4 << 20

// policyCase is one call, and what should be decided of it.
type policyCase struct {
	Name      string        `yaml:"name"`
	Principal casePrincipal `yaml:"principal"`
	Action    string        `yaml:"action"`
	Resource  caseResource  `yaml:"resource"`
	Context   caseContext   `yaml:"context"`
	Want      string        `yaml:"want"` // allow or deny
	By        []string      `yaml:"by"`   // the policies that decide, in any order; not checked when empty
}

type casePrincipal struct {
	ID     string `yaml:"id"`
	Role   string `yaml:"role"`
	Tenant string `yaml:"tenant"`
	Group  string `yaml:"group"`
}

type caseResource struct {
	Dataset string `yaml:"dataset"`
	Tenant  string `yaml:"tenant"`
	Region  string `yaml:"region"` // of the tenant
}

type caseContext struct {
	At         string   `yaml:"at"` // RFC 3339; noon of a Monday when empty
	Region     string   `yaml:"region"`
	Tenants    []string `yaml:"tenants"`
	Purpose    string   `yaml:"purpose"`
	Aggregates []string `yaml:"aggregates"`
	Epsilon    float64  `yaml:"epsilon"`
	Delta      float64  `yaml:"delta"`
}

// caseTime is when a case is that does not say, so that tests do not depend on
// the day on which they run.
var caseTime = time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)

// readCases reads cases; an unknown member is an error.
func readCases(path string) ([]policyCase, error) {
	text, err := namedfile.Read(path, maxCases)
	if err != nil {
		return nil, fmt.Errorf("cannot read the cases: %w", err)
	}
	var cases []policyCase
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&cases); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, true))
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s has no case", path)
	}
	for i, c := range cases {
		if c.Name == "" || c.Want != "allow" && c.Want != "deny" {
			return nil, fmt.Errorf("%s: case %d needs a name, and allow or deny under want", path, i+1)
		}
	}
	return cases, nil
}

// request returns the call that a case is, or why there is no such call.
func (c policyCase) request(schema *policy.Schema) (policy.Request, error) {
	r := policy.Request{
		Principal: privacy.Principal{ID: c.Principal.ID, Role: privacy.Role(c.Principal.Role), Tenant: c.Principal.Tenant, Group: c.Principal.Group},
		Action:    c.Action, Tenants: c.Context.Tenants, Region: c.Context.Region, At: caseTime,
	}
	if !r.Principal.Role.Valid() {
		return r, fmt.Errorf("the principal needs a role, one of %v", privacy.Roles())
	}
	r.Resource.Type = schema.ResourceOf(c.Action)
	switch r.Resource.Type {
	case policy.TypeDataset:
		r.Resource.Name = c.Resource.Dataset
	case policy.TypeTenant:
		r.Resource.Name, r.Resource.Region = c.Resource.Tenant, c.Resource.Region
	case "":
		return r, fmt.Errorf("there is no action %q; noised policy schema lists them", c.Action)
	}
	if r.Resource.Name == "" && r.Resource.Type != policy.TypeSystem {
		return r, fmt.Errorf("the action %q is about a %s: name it", c.Action, strings.ToLower(r.Resource.Type))
	}
	if c.Context.At != "" {
		at, err := time.Parse(time.RFC3339, c.Context.At)
		if err != nil {
			return r, fmt.Errorf("the time %q is not one such as 2026-03-02T10:00:00Z", c.Context.At)
		}
		r.At = at
	}
	if schema.Question(c.Action) {
		r.Question = &policy.Question{
			Purpose: c.Context.Purpose, Aggregates: c.Context.Aggregates,
			Loss: privacy.Loss{Epsilon: c.Context.Epsilon, Delta: c.Context.Delta},
		}
	}
	return r, nil
}

// caseResult is what was decided of a case.
type caseResult struct {
	Name   string   `json:"name"`
	Want   string   `json:"want"`
	Got    string   `json:"got"`
	By     []string `json:"by"`
	Passed bool     `json:"passed"`
}

// run decides a case.
func (c policyCase) run(set *policy.Set) (caseResult, error) {
	r, err := c.request(set.Schema())
	if err != nil {
		return caseResult{}, fmt.Errorf("case %q: %w", c.Name, err)
	}
	d := set.Decide(r)
	out := caseResult{Name: c.Name, Want: c.Want, Got: verdict(d), By: slices.Concat([]string{}, d.Policies)}
	out.Passed = out.Got == c.Want && (len(c.By) == 0 || slices.Equal(slices.Sorted(slices.Values(c.By)), slices.Sorted(slices.Values(d.Policies))))
	return out, nil
}

func verdict(d policy.Decision) string {
	if d.Allowed {
		return "allow"
	}
	return "deny"
}

func testPolicyCommand(a *command.App) *cobra.Command {
	var path string
	test := &cobra.Command{
		Use:   "test [FILES…] --cases CASES.yaml",
		Short: "Decide cases by policies, without a server",
		Long: `Decide cases by policies, without a server; by the defaults where no file is
named. Every case is a call and what should be decided of it:

  - name: no research after hours
    principal: {role: analyst, tenant: dept_1, group: lab}
    action: query
    resource: {dataset: insteval}
    context: {purpose: research, aggregates: [count], epsilon: 0.5, at: "2026-03-02T23:00:00Z"}
    want: deny
    by: [office-hours]

A case that is decided otherwise, or by other policies than those under "by",
fails, and the command with it.`,
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := parsePolicies(args)
			if err != nil {
				return err
			}
			cases, err := readCases(path)
			if err != nil {
				return err
			}
			var results []caseResult
			for _, c := range cases {
				result, err := c.run(set)
				if err != nil {
					return err
				}
				results = append(results, result)
			}
			if err := a.Print(map[string]any{"cases": results}, func(w io.Writer) { caseGrid(results).Write(w) }); err != nil {
				return err
			}
			if slices.ContainsFunc(results, func(r caseResult) bool { return !r.Passed }) {
				return &command.ExitError{Code: command.ExitFailure}
			}
			return nil
		},
	}
	test.Args = cobra.ArbitraryArgs
	test.Flags().StringVar(&path, "cases", "", "file of cases (YAML)")
	return command.Need(test, "cases")
}

func caseGrid(results []caseResult) *screen.Grid {
	g := &screen.Grid{Header: []string{"case", "want", "got", "by", "result"}}
	for _, r := range results {
		result := "ok"
		if !r.Passed {
			result = "FAILED"
		}
		g.Add(r.Name, r.Want, r.Got, strings.Join(r.By, ", "), result)
	}
	return g
}
