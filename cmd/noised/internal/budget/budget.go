// Package budget has the commands that set budgets, show what is left of them, and list
// what was charged.
package budget

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/agreement"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// Command is noised budget.
func Command(a *command.App) *cobra.Command {
	return command.Group("budget", "Set budgets, show what is left, list charges",
		setBudgetCommand(a), showBudgetCommand(a), chargesCommand(a))
}

// budgetFlags are the flags of noised budget set.
type budgetFlags struct {
	tenant, dataset                  string
	epsilon, delta                   float64
	window                           string
	lifetimeEpsilon, lifetimeDelta   float64
	perDatasetText, perPrincipalText []string
	perGroupText                     []string
}

func setBudgetCommand(a *command.App) *cobra.Command {
	var f budgetFlags
	set := remote.Command(a, &cobra.Command{
		Use:   "set (--tenant T | --dataset D) --epsilon E --delta D",
		Short: "Set a tenant's budget (budget admin) or a dataset's (operator)",
		Long: `Set the cap on privacy loss of a tenant's account, or of a dataset's account
(needed where the contract protects persons across tenants).

The first call fixes the lifetime ceiling: the cap itself, unless --lifetime-epsilon
and --lifetime-delta say otherwise. Later calls move the cap within it. With a
window, the cap is refilled every day, week or month, up to the ceiling.

Where a contract gives every period of rows a budget of its own, each period has
this cap, window and ceiling; a later call moves them all.`,
		Example: "  noised budget set --tenant dept_1 --epsilon 3 --delta 1e-6",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := command.ExactArgs()(cmd, args); err != nil {
				return err
			}
			return oneOf(f.tenant, f.dataset)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return setBudget(a, cmd, f) },
	})
	fs := set.Flags()
	fs.StringVar(&f.tenant, "tenant", "", "tenant whose account is capped")
	fs.StringVar(&f.dataset, "dataset", "", "dataset whose account is capped")
	fs.Float64Var(&f.epsilon, "epsilon", 0, "cap on ε")
	fs.Float64Var(&f.delta, "delta", 0, "cap on δ")
	fs.StringVar(&f.window, "window", "", "refill: none, day, week or month")
	fs.Float64Var(&f.lifetimeEpsilon, "lifetime-epsilon", 0, "lifetime ceiling on ε; first call only")
	fs.Float64Var(&f.lifetimeDelta, "lifetime-delta", 0, "lifetime ceiling on δ; first call only")
	fs.StringArrayVar(&f.perDatasetText, "per-dataset", nil, "cap for one dataset, as NAME=ε,δ (NAME may be default); repeatable")
	fs.StringArrayVar(&f.perPrincipalText, "per-principal", nil, "cap for one principal, as ID=ε,δ (ID may be default); repeatable")
	fs.StringArrayVar(&f.perGroupText, "per-group", nil, "cap for one group of principals, as NAME=ε,δ (NAME may be default); repeatable")
	return command.Need(set, "epsilon", "delta")
}

func setBudget(a *command.App, cmd *cobra.Command, f budgetFlags) error {
	perDataset, err1 := parseLosses("--per-dataset", f.perDatasetText)
	perPrincipal, err2 := parseLosses("--per-principal", f.perPrincipalText)
	perGroup, err3 := parseLosses("--per-group", f.perGroupText)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return err
	}
	var lifetime *wire.Loss
	if f.lifetimeEpsilon != 0 || f.lifetimeDelta != 0 {
		lifetime = &wire.Loss{Epsilon: f.lifetimeEpsilon, Delta: f.lifetimeDelta}
	}
	c, err := remote.Connect(a)
	if err != nil {
		return err
	}
	if f.tenant != "" {
		b, err := c.SetTenantBudget(cmd.Context(), f.tenant, wire.TenantBudgetRequest{
			Epsilon: f.epsilon, Delta: f.delta, Window: remote.Optional(wire.Window(f.window)), Lifetime: lifetime,
			PerDataset: perDataset, PerPrincipal: perPrincipal, PerGroup: perGroup,
		})
		if err != nil {
			return agreement.Waits(a, err)
		}
		return a.Print(b, func(w io.Writer) { writeTenantBudget(w, b) })
	}
	if perDataset != nil || perPrincipal != nil || perGroup != nil {
		return command.Usagef("--per-dataset, --per-principal and --per-group belong to a tenant's budget")
	}
	b, err := c.SetDatasetBudget(cmd.Context(), f.dataset, wire.DatasetBudgetRequest{
		Epsilon: f.epsilon, Delta: f.delta, Window: remote.Optional(wire.Window(f.window)), Lifetime: lifetime,
	})
	if err != nil {
		return agreement.Waits(a, err)
	}
	return a.Print(b, func(w io.Writer) { writeDatasetBudget(w, b) })
}

func showBudgetCommand(a *command.App) *cobra.Command {
	var tenant, dataset string
	show := remote.Command(a, &cobra.Command{
		Use:   "show (--tenant T | --dataset D)",
		Short: "Show cap, spend and what remains",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := command.ExactArgs()(cmd, args); err != nil {
				return err
			}
			return oneOf(tenant, dataset)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tenant != "" {
				return remote.Call(a, func(c *wire.API) (wire.TenantBudget, error) { return c.TenantBudget(cmd.Context(), tenant) }, writeTenantBudget)
			}
			return remote.Call(a, func(c *wire.API) (wire.DatasetBudget, error) { return c.DatasetBudget(cmd.Context(), dataset) }, writeDatasetBudget)
		},
	})
	show.Flags().StringVar(&tenant, "tenant", "", "tenant")
	show.Flags().StringVar(&dataset, "dataset", "", "dataset")
	return show
}

func chargesCommand(a *command.App) *cobra.Command {
	var tenant string
	charges := remote.InPages(a, &cobra.Command{
		Use:   "charges --tenant T",
		Short: "List what was charged to a tenant, newest first",
	}, func(c *wire.API, ctx context.Context, cursor string, limit int32) (wire.ChargeList, error) {
		return c.Charges(ctx, tenant, cursor, limit)
	}, func(l wire.ChargeList) (*screen.Grid, *string) { return spendingGrid(l.Items), l.Next })
	charges.Flags().StringVar(&tenant, "tenant", "", "tenant")
	return command.Need(charges, "tenant")
}

func oneOf(tenant, dataset string) error {
	if (tenant == "") == (dataset == "") {
		return command.Usagef("give --tenant or --dataset, one of them")
	}
	return nil
}

// parseLosses reads NAME=ε,δ entries.
func parseLosses(flag string, entries []string) (*wire.Losses, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	losses := wire.Losses{}
	for _, e := range entries {
		name, rest, ok := strings.Cut(e, "=")
		eps, delta, ok2 := strings.Cut(rest, ",")
		epsilon, err1 := strconv.ParseFloat(eps, 64)
		d, err2 := strconv.ParseFloat(delta, 64)
		if !ok || !ok2 || name == "" || err1 != nil || err2 != nil {
			return nil, command.Usagef("%s %q is not NAME=ε,δ, for example insteval=1,1e-7", flag, e)
		}
		losses[name] = wire.Loss{Epsilon: epsilon, Delta: d}
	}
	return &losses, nil
}
