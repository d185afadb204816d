package rest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/consent"
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
func (s *server) GetTenantBudget(ctx context.Context, r skeleton.GetTenantBudgetRequestObject) (skeleton.GetTenantBudgetResponseObject, error) {
	b, err := s.tenantBudget(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return skeleton.GetTenantBudget200JSONResponse(b), nil
}

// PutTenantBudget sets the budget of the caller's tenant, all of it or nothing. A
// larger one may have to wait for others of its budget admins.
func (s *server) PutTenantBudget(ctx context.Context, r skeleton.PutTenantBudgetRequestObject) (skeleton.PutTenantBudgetResponseObject, error) {
	caps := map[privacy.AccountKind]wire.Losses{
		privacy.AccountTenantDataset:   valueOf(r.Body.PerDataset),
		privacy.AccountTenantPrincipal: valueOf(r.Body.PerPrincipal),
		privacy.AccountTenantGroup:     valueOf(r.Body.PerGroup),
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
	p, err := s.Consent.SetBudget(ctx, privacy.TenantAccount(r.Tenant), budget, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return skeleton.PutTenantBudget202JSONResponse{WaitsJSONResponse: waits(p)}, nil
	}
	b, err := s.tenantBudget(ctx, r.Tenant)
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

func (s *server) tenantBudget(ctx context.Context, tenant string) (wire.TenantBudget, error) {
	own, err := s.Ledger.State(ctx, privacy.TenantAccount(tenant))
	if err != nil {
		return wire.TenantBudget{}, err
	}
	b := wire.TenantBudget{
		Tenant: tenant, Epsilon: own.Cap.Epsilon, Delta: own.Cap.Delta, Window: wire.Window(own.Window),
		Spent: spentOf(own), Remaining: remainingOf(own), Lifetime: wireLoss(own.Lifetime),
		LifetimeSpent: lifetimeSpentOf(own), LifetimeRemaining: lifetimeRemainingOf(own), Accounting: accounting,
	}
	if b.Periods, err = s.periods(ctx, own.Account); err != nil {
		return wire.TenantBudget{}, err
	}
	states, err := s.Ledger.States(ctx, tenant)
	if err != nil {
		return wire.TenantBudget{}, err
	}
	within := slices.DeleteFunc(states, func(st ledger.State) bool { return st.Account.Subject == "" })
	caps, err := s.caps(ctx, tenant, within)
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
	return mapped(within[:min(len(within), maxAccounts)], func(st ledger.State) wire.AccountBudget {
		return wire.AccountBudget{Account: st.Account.String(), Spent: spentOf(st), Remaining: remainingOf(st)}
	})
}

// caps returns the caps of the accounts within a tenant's by their kind, with the
// defaults; kinds that have none are missing.
func (s *server) caps(ctx context.Context, tenant string, within []ledger.State) (map[privacy.AccountKind]*wire.Losses, error) {
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
		limit, err := s.Ledger.Default(ctx, kind, tenant)
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
func (s *server) periods(ctx context.Context, parent privacy.Account) ([]wire.PeriodBudget, error) {
	states, err := s.Ledger.Periods(ctx, parent)
	if err != nil {
		return nil, err
	}
	return mapped(states, func(st ledger.State) wire.PeriodBudget {
		dataset, period, _ := st.Account.Period()
		return wire.PeriodBudget{Dataset: dataset, Period: period, Spent: spentOf(st), Remaining: remainingOf(st)}
	}), nil
}

// GetDatasetBudget shows the budget of a dataset's persons.
func (s *server) GetDatasetBudget(ctx context.Context, r skeleton.GetDatasetBudgetRequestObject) (skeleton.GetDatasetBudgetResponseObject, error) {
	b, err := s.datasetBudget(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	return skeleton.GetDatasetBudget200JSONResponse(b), nil
}

// PutDatasetBudget sets the budget of a dataset's persons. A larger one may have
// to wait for the members.
func (s *server) PutDatasetBudget(ctx context.Context, r skeleton.PutDatasetBudgetRequestObject) (skeleton.PutDatasetBudgetResponseObject, error) {
	if _, err := s.Catalog.Dataset(ctx, r.Dataset); err != nil {
		return nil, err
	}
	budget := budgetOf(r.Body.Epsilon, r.Body.Delta, r.Body.Window, r.Body.Lifetime)
	p, err := s.Consent.SetBudget(ctx, privacy.DatasetAccount(r.Dataset), budget, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return skeleton.PutDatasetBudget202JSONResponse{WaitsJSONResponse: waits(p)}, nil
	}
	b, err := s.datasetBudget(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	return skeleton.PutDatasetBudget200JSONResponse(b), nil
}

func (s *server) datasetBudget(ctx context.Context, dataset string) (wire.DatasetBudget, error) {
	st, err := s.Ledger.State(ctx, privacy.DatasetAccount(dataset))
	if err != nil {
		return wire.DatasetBudget{}, err
	}
	periods, err := s.periods(ctx, st.Account)
	if err != nil {
		return wire.DatasetBudget{}, err
	}
	return wire.DatasetBudget{
		Dataset: dataset, Epsilon: st.Cap.Epsilon, Delta: st.Cap.Delta, Window: wire.Window(st.Window),
		Spent: spentOf(st), Remaining: remainingOf(st), Lifetime: wireLoss(st.Lifetime),
		LifetimeSpent: lifetimeSpentOf(st), LifetimeRemaining: lifetimeRemainingOf(st), Periods: periods, Accounting: accounting,
	}, nil
}

// ListCharges lists what was charged to a tenant.
func (s *server) ListCharges(ctx context.Context, r skeleton.ListChargesRequestObject) (skeleton.ListChargesResponseObject, error) {
	items, next, err := s.Ledger.Charges(ctx, privacy.TenantAccount(r.Tenant), valueOf(r.Params.Cursor), pageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListCharges200JSONResponse{Items: mapped(items, chargeOf), Next: optional(next)}, nil
}

func chargeOf(e ledger.Entry) wire.Charge {
	return wire.Charge{
		Release: optional(e.Release), Principal: e.Principal, Rho: e.Cost.Rho(),
		Epsilon: e.Loss.Epsilon, Delta: e.Loss.Delta, State: wire.ChargeState(e.State), At: e.At,
	}
}

func budgetOf(epsilon, delta float64, window *wire.Window, lifetime *wire.Loss) consent.Budget {
	b := consent.Budget{Cap: privacy.Loss{Epsilon: epsilon, Delta: delta}, Window: privacy.WindowNone}
	if window != nil {
		b.Window = privacy.Window(*window)
	}
	if lifetime != nil {
		l := lossOf(*lifetime)
		b.Lifetime = &l
	}
	return b
}

func lossOf(l wire.Loss) privacy.Loss { return privacy.Loss{Epsilon: l.Epsilon, Delta: l.Delta} }

func spentOf(s ledger.State) wire.Amount {
	l := s.SpentLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.Spent.Rho()}
}

func remainingOf(s ledger.State) wire.Amount {
	l := s.RemainingLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.Remaining.Rho()}
}

func lifetimeSpentOf(s ledger.State) wire.Amount {
	l := s.SpentLifetimeLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.SpentLifetime.Rho()}
}

func lifetimeRemainingOf(s ledger.State) wire.Amount {
	l := s.RemainingLifetimeLoss()
	return wire.Amount{Epsilon: l.Epsilon, Delta: l.Delta, Rho: s.RemainingLifetime.Rho()}
}

func wireLoss(l privacy.Loss) wire.Loss { return wire.Loss{Epsilon: l.Epsilon, Delta: l.Delta} }
