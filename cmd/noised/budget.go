package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

func (a *app) budgetCommand() *cobra.Command {
	return group("budget", "Set budgets, show what is left, list charges",
		a.setBudgetCommand(), a.showBudgetCommand(), a.chargesCommand())
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

func (a *app) setBudgetCommand() *cobra.Command {
	var f budgetFlags
	set := a.client(&cobra.Command{
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
			if err := exactArgs()(cmd, args); err != nil {
				return err
			}
			return oneOf(f.tenant, f.dataset)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.setBudget(cmd, f) },
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
	return need(set, "epsilon", "delta")
}

func (a *app) setBudget(cmd *cobra.Command, f budgetFlags) error {
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
	c, err := a.connect()
	if err != nil {
		return err
	}
	if f.tenant != "" {
		b, err := c.SetTenantBudget(cmd.Context(), f.tenant, wire.TenantBudgetRequest{
			Epsilon: f.epsilon, Delta: f.delta, Window: optional(wire.Window(f.window)), Lifetime: lifetime,
			PerDataset: perDataset, PerPrincipal: perPrincipal, PerGroup: perGroup,
		})
		if err != nil {
			return a.waits(err)
		}
		return a.print(b, func(w io.Writer) { writeTenantBudget(w, b) })
	}
	if perDataset != nil || perPrincipal != nil || perGroup != nil {
		return usagef("--per-dataset, --per-principal and --per-group belong to a tenant's budget")
	}
	b, err := c.SetDatasetBudget(cmd.Context(), f.dataset, wire.DatasetBudgetRequest{
		Epsilon: f.epsilon, Delta: f.delta, Window: optional(wire.Window(f.window)), Lifetime: lifetime,
	})
	if err != nil {
		return a.waits(err)
	}
	return a.print(b, func(w io.Writer) { writeDatasetBudget(w, b) })
}

func (a *app) showBudgetCommand() *cobra.Command {
	var tenant, dataset string
	show := a.client(&cobra.Command{
		Use:   "show (--tenant T | --dataset D)",
		Short: "Show cap, spend and what remains",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := exactArgs()(cmd, args); err != nil {
				return err
			}
			return oneOf(tenant, dataset)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if tenant != "" {
				b, err := c.TenantBudget(cmd.Context(), tenant)
				if err != nil {
					return err
				}
				return a.print(b, func(w io.Writer) { writeTenantBudget(w, b) })
			}
			b, err := c.DatasetBudget(cmd.Context(), dataset)
			if err != nil {
				return err
			}
			return a.print(b, func(w io.Writer) { writeDatasetBudget(w, b) })
		},
	})
	show.Flags().StringVar(&tenant, "tenant", "", "tenant")
	show.Flags().StringVar(&dataset, "dataset", "", "dataset")
	return show
}

func (a *app) chargesCommand() *cobra.Command {
	var tenant string
	var page pageFlags
	charges := a.client(&cobra.Command{
		Use:   "charges --tenant T",
		Short: "List what was charged to a tenant, newest first",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Charges(cmd.Context(), tenant, page.cursor, page.limit)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				spendingGrid(l.Items).write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	charges.Flags().StringVar(&tenant, "tenant", "", "tenant")
	page.register(charges)
	return need(charges, "tenant")
}

func spendingGrid(charges []wire.Charge) *grid {
	g := &grid{
		header: []string{"at", "principal", "ε", "δ", "ρ", "state", "release"}, right: map[int]bool{2: true, 3: true, 4: true},
		narrow: narrow{drop: []int{6, 4, 3}},
	}
	for _, i := range charges {
		g.add(showTime(i.At), i.Principal, short(i.Epsilon), short(i.Delta), short(i.Rho), string(i.State), value(i.Release))
	}
	return g
}

func oneOf(tenant, dataset string) error {
	if (tenant == "") == (dataset == "") {
		return usagef("give --tenant or --dataset, one of them")
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
			return nil, usagef("%s %q is not NAME=ε,δ, for example insteval=1,1e-7", flag, e)
		}
		losses[name] = wire.Loss{Epsilon: epsilon, Delta: d}
	}
	return &losses, nil
}

// writeTenantBudget and writeDatasetBudget show one account.
func writeTenantBudget(w io.Writer, b wire.TenantBudget) {
	g := accountGrid(b.Tenant, wire.DatasetBudget{
		Epsilon: b.Epsilon, Delta: b.Delta, Window: b.Window, Spent: b.Spent, Remaining: b.Remaining,
		Lifetime: b.Lifetime, LifetimeSpent: b.LifetimeSpent, LifetimeRemaining: b.LifetimeRemaining,
	})
	addCaps(g, "dataset ", b.PerDataset)
	addCaps(g, "principal ", b.PerPrincipal)
	addCaps(g, "group ", b.PerGroup)
	g.write(w)
	writeAccounts(w, b)
	writePeriods(w, b.Periods)
}

func writeDatasetBudget(w io.Writer, b wire.DatasetBudget) {
	accountGrid(b.Dataset, b).write(w)
	writePeriods(w, b.Periods)
}

// accountGrid lays out an account. Where a window paces it, what the lifetime
// has lost and has left is another matter.
func accountGrid(account string, b wire.DatasetBudget) *grid {
	g := &grid{header: []string{account, "ε", "δ"}, right: map[int]bool{1: true, 2: true},
		narrow: narrow{cut: []cut{{column: 0, least: 40, middle: true}}}}
	name := "cap"
	if b.Window != wire.None {
		name = "cap a " + string(b.Window)
	}
	g.add(name, short(b.Epsilon), short(b.Delta))
	g.add("spent", short(b.Spent.Epsilon), short(b.Spent.Delta))
	g.add("left", short(b.Remaining.Epsilon), short(b.Remaining.Delta))
	g.add("lifetime ceiling", short(b.Lifetime.Epsilon), short(b.Lifetime.Delta))
	if b.Window != wire.None {
		g.add("lifetime spent", short(b.LifetimeSpent.Epsilon), short(b.LifetimeSpent.Delta))
		g.add("lifetime left", short(b.LifetimeRemaining.Epsilon), short(b.LifetimeRemaining.Delta))
	}
	return g
}

// writePeriods shows the periods of rows that were charged, if there are any.
func writePeriods(w io.Writer, periods []wire.PeriodBudget) {
	if len(periods) == 0 {
		return
	}
	g := grid{header: []string{"dataset", "period", "ε spent", "ε left", "δ left"}, right: map[int]bool{2: true, 3: true, 4: true},
		narrow: narrow{cut: []cut{{column: 0, least: 24, middle: true}}}}
	for _, p := range periods {
		g.add(p.Dataset, p.Period, short(p.Spent.Epsilon), short(p.Remaining.Epsilon), short(p.Remaining.Delta))
	}
	fmt.Fprintln(w)
	g.write(w)
}

// writeAccounts shows the open accounts within a tenant's, if there are any.
func writeAccounts(w io.Writer, b wire.TenantBudget) {
	if len(b.Accounts) == 0 {
		return
	}
	g := grid{header: []string{"account", "ε spent", "ε left", "δ left"}, right: map[int]bool{1: true, 2: true, 3: true},
		narrow: narrow{cut: []cut{{column: 0, least: 40, middle: true}}}}
	for _, a := range b.Accounts {
		g.add(accountWithin(a.Account, b.Tenant), short(a.Spent.Epsilon), short(a.Remaining.Epsilon), short(a.Remaining.Delta))
	}
	fmt.Fprintln(w)
	g.write(w)
}

// accountWithin names an account within a tenant's the way its cap is named:
// tenant-group:a/acme is "group acme".
func accountWithin(account, tenant string) string {
	kind, name, ok := strings.Cut(account, ":"+tenant+"/")
	if !ok {
		return account
	}
	return strings.TrimPrefix(kind, "tenant-") + " " + name
}

// addCaps adds the caps within an account.
func addCaps(g *grid, of string, caps *wire.Losses) {
	for _, name := range slices.Sorted(maps.Keys(value(caps))) {
		c := (*caps)[name]
		g.add("cap of "+of+name, short(c.Epsilon), short(c.Delta))
	}
}

// short prints a number with at most four digits.
func short(f float64) string { return strconv.FormatFloat(f, 'g', 4, 64) }

// pageFlags are the flags of commands that list in pages.
type pageFlags struct {
	cursor string
	limit  int32
}

func (p *pageFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&p.cursor, "cursor", "", "where the page before ended")
	c.Flags().Int32Var(&p.limit, "limit", 0, "entries in a page (default 100)")
}

// more says how to get the next page.
func (p *pageFlags) more(w io.Writer, next *string) {
	if next != nil {
		fmt.Fprintf(w, "there is more: add --cursor %s\n", *next)
	}
}
