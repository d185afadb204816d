package budgets

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/proposals"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// accounting names the arithmetic behind every number of a budget.
const accounting = "gdp"

// defaultEntry is the name under which per_dataset, per_principal and per_group
// hold the cap of accounts without an entry of their own.
const defaultEntry = "default"

// maxAccounts is how many accounts within a tenant's a budget shows.
const maxAccounts = 1000

// capKinds are the kinds of account within a tenant's, in the order in which a
// request sets them.
func capKinds() []privacy.AccountKind {
	return []privacy.AccountKind{privacy.AccountTenantDataset, privacy.AccountTenantPrincipal, privacy.AccountTenantGroup}
}

// GetTenantBudget shows the budget of the caller's tenant.
func (h Handlers) GetTenantBudget(ctx context.Context, r skeleton.GetTenantBudgetRequestObject) (skeleton.GetTenantBudgetResponseObject, error) {
	b, err := h.tenantBudget(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.GetTenantBudget200JSONResponse(b), nil
}

// PutTenantBudget sets the budget of the caller's tenant, all of it or nothing. A
// larger one may have to wait for others of its budget admins.
func (h Handlers) PutTenantBudget(ctx context.Context, r skeleton.PutTenantBudgetRequestObject) (skeleton.PutTenantBudgetResponseObject, error) {
	caps := map[privacy.AccountKind]wire.Losses{
		privacy.AccountTenantDataset:   wire.ValueOf(r.Body.PerDataset),
		privacy.AccountTenantPrincipal: wire.ValueOf(r.Body.PerPrincipal),
		privacy.AccountTenantGroup:     wire.ValueOf(r.Body.PerGroup),
	}
	for _, kind := range capKinds() {
		if err := checkCaps(kind, caps[kind]); err != nil {
			return nil, err
		}
	}
	budget := budgetOf(r.Body.Epsilon, r.Body.Delta, r.Body.Window, r.Body.Lifetime)
	budget.PerDataset = lossesOf(caps[privacy.AccountTenantDataset])
	budget.PerPrincipal = lossesOf(caps[privacy.AccountTenantPrincipal])
	budget.PerGroup = lossesOf(caps[privacy.AccountTenantGroup])
	p, err := h.Consent.SetBudget(ctx, privacy.TenantAccount(r.Tenant), budget, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	if p != nil {
		return skeleton.PutTenantBudget202JSONResponse{WaitsJSONResponse: proposals.Waits(p)}, nil
	}
	b, err := h.tenantBudget(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.PutTenantBudget200JSONResponse(b), nil
}

func lossesOf(caps wire.Losses) map[string]privacy.Loss {
	out := map[string]privacy.Loss{}
	for name, l := range caps {
		out[name] = lossOf(l)
	}
	return out
}

func checkCaps(kind privacy.AccountKind, caps wire.Losses) error {
	what := strings.TrimPrefix(string(kind), "tenant-")
	for _, name := range slices.Sorted(maps.Keys(caps)) {
		if err := privacy.CheckName(what, name); err != nil {
			return err
		}
		if err := lossOf(caps[name]).CheckBudget(); err != nil {
			return err
		}
	}
	return nil
}

func (h Handlers) tenantBudget(ctx context.Context, tenant string) (wire.TenantBudget, error) {
	own, err := h.Ledger.State(ctx, privacy.TenantAccount(tenant))
	if err != nil {
		return wire.TenantBudget{}, err
	}
	b := wire.TenantBudget{
		Tenant: tenant, Epsilon: own.Cap.Epsilon, Delta: own.Cap.Delta, Window: wire.Window(own.Window),
		Spent: spentOf(own), Remaining: remainingOf(own), Lifetime: wireLoss(own.Lifetime),
		LifetimeSpent: lifetimeSpentOf(own), LifetimeRemaining: lifetimeRemainingOf(own), Accounting: accounting,
	}
	if b.Periods, err = h.periods(ctx, own.Account); err != nil {
		return wire.TenantBudget{}, err
	}
	states, err := h.Ledger.States(ctx, tenant)
	if err != nil {
		return wire.TenantBudget{}, err
	}
	within := slices.DeleteFunc(states, func(st ledger.State) bool { return st.Account.Subject == "" })
	caps, err := h.caps(ctx, tenant, within)
	if err != nil {
		return wire.TenantBudget{}, err
	}
	b.Accounts = accountsOf(within)
	b.PerDataset, b.PerPrincipal, b.PerGroup = caps[privacy.AccountTenantDataset], caps[privacy.AccountTenantPrincipal], caps[privacy.AccountTenantGroup]
	return b, nil
}

// accountsOf returns what the first of the accounts within a tenant's have spent
// and have left.
func accountsOf(within []ledger.State) []wire.AccountBudget {
	return wire.List(within[:min(len(within), maxAccounts)], func(st ledger.State) wire.AccountBudget {
		return wire.AccountBudget{Account: st.Account.String(), Spent: spentOf(st), Remaining: remainingOf(st)}
	})
}

// caps returns the caps of the accounts within a tenant's by their kind, with the
// defaults; kinds that have none are missing.
func (h Handlers) caps(ctx context.Context, tenant string, within []ledger.State) (map[privacy.AccountKind]*wire.Losses, error) {
	all := map[privacy.AccountKind]*wire.Losses{}
	add := func(kind privacy.AccountKind, name string, limit privacy.Loss) {
		if all[kind] == nil {
			all[kind] = &wire.Losses{}
		}
		(*all[kind])[name] = wireLoss(limit)
	}
	for _, st := range within {
		add(st.Account.Kind, st.Account.Subject, st.Cap)
	}
	for _, kind := range capKinds() {
		limit, err := h.Ledger.Default(ctx, kind, tenant)
		if err != nil {
			return nil, err
		}
		if limit != nil {
			add(kind, defaultEntry, *limit)
		}
	}
	return all, nil
}

// periods returns what the periods under an account have spent and have left.
func (h Handlers) periods(ctx context.Context, parent privacy.Account) ([]wire.PeriodBudget, error) {
	states, err := h.Ledger.Periods(ctx, parent)
	if err != nil {
		return nil, err
	}
	return wire.List(states, func(st ledger.State) wire.PeriodBudget {
		dataset, period, _ := st.Account.Period()
		return wire.PeriodBudget{Dataset: dataset, Period: period, Spent: spentOf(st), Remaining: remainingOf(st)}
	}), nil
}
