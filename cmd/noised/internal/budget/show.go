package budget

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

func spendingGrid(charges []wire.Charge) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"at", "principal", "ε", "δ", "ρ", "state", "release"}, Right: map[int]bool{2: true, 3: true, 4: true},
		Narrow: screen.Narrow{Drop: []int{6, 4, 3}},
	}
	for _, i := range charges {
		g.Add(screen.ShowTime(i.At), i.Principal, screen.Short(i.Epsilon), screen.Short(i.Delta), screen.Short(i.Rho), string(i.State), remote.Value(i.Release))
	}
	return g
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
	g.Write(w)
	writeAccounts(w, b)
	writePeriods(w, b.Periods)
}

func writeDatasetBudget(w io.Writer, b wire.DatasetBudget) {
	accountGrid(b.Dataset, b).Write(w)
	writePeriods(w, b.Periods)
}

// accountGrid lays out an account. Where a window paces it, what the lifetime
// has lost and has left is another matter.
func accountGrid(account string, b wire.DatasetBudget) *screen.Grid {
	g := &screen.Grid{Header: []string{account, "ε", "δ"}, Right: map[int]bool{1: true, 2: true},
		Narrow: screen.Narrow{Cut: []screen.Cut{{Column: 0, Least: 40, Middle: true}}}}
	name := "cap"
	if b.Window != wire.None {
		name = "cap a " + string(b.Window)
	}
	g.Add(name, screen.Short(b.Epsilon), screen.Short(b.Delta))
	g.Add("spent", screen.Short(b.Spent.Epsilon), screen.Short(b.Spent.Delta))
	g.Add("left", screen.Short(b.Remaining.Epsilon), screen.Short(b.Remaining.Delta))
	g.Add("lifetime ceiling", screen.Short(b.Lifetime.Epsilon), screen.Short(b.Lifetime.Delta))
	if b.Window != wire.None {
		g.Add("lifetime spent", screen.Short(b.LifetimeSpent.Epsilon), screen.Short(b.LifetimeSpent.Delta))
		g.Add("lifetime left", screen.Short(b.LifetimeRemaining.Epsilon), screen.Short(b.LifetimeRemaining.Delta))
	}
	return g
}

// writePeriods shows the periods of rows that were charged, if there are any.
func writePeriods(w io.Writer, periods []wire.PeriodBudget) {
	if len(periods) == 0 {
		return
	}
	g := screen.Grid{Header: []string{"dataset", "period", "ε spent", "ε left", "δ left"}, Right: map[int]bool{2: true, 3: true, 4: true},
		Narrow: screen.Narrow{Cut: []screen.Cut{{Column: 0, Least: 24, Middle: true}}}}
	for _, p := range periods {
		g.Add(p.Dataset, p.Period, screen.Short(p.Spent.Epsilon), screen.Short(p.Remaining.Epsilon), screen.Short(p.Remaining.Delta))
	}
	fmt.Fprintln(w)
	g.Write(w)
}

// writeAccounts shows the open accounts within a tenant's, if there are any.
func writeAccounts(w io.Writer, b wire.TenantBudget) {
	if len(b.Accounts) == 0 {
		return
	}
	g := screen.Grid{Header: []string{"account", "ε spent", "ε left", "δ left"}, Right: map[int]bool{1: true, 2: true, 3: true},
		Narrow: screen.Narrow{Cut: []screen.Cut{{Column: 0, Least: 40, Middle: true}}}}
	for _, a := range b.Accounts {
		g.Add(accountWithin(a.Account, b.Tenant), screen.Short(a.Spent.Epsilon), screen.Short(a.Remaining.Epsilon), screen.Short(a.Remaining.Delta))
	}
	fmt.Fprintln(w)
	g.Write(w)
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
func addCaps(g *screen.Grid, of string, caps *wire.Losses) {
	for _, name := range slices.Sorted(maps.Keys(remote.Value(caps))) {
		c := (*caps)[name]
		g.Add("cap of "+of+name, screen.Short(c.Epsilon), screen.Short(c.Delta))
	}
}
