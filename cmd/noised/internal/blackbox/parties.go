package blackbox

import (
	"bytes"
	"context"
	"fmt"

	"github.com/noised/noised/api/wire"
)

// Parties are the keys of everybody who takes part. Keys outlive the server
// process that issued them; clients do not.
type Parties struct {
	Operator string
	Analyst  string // belongs to no tenant
	Dataset  string
	Tenants  []string
	Admin    map[string]string // tenant admins' keys, by tenant
	Budget   map[string]string // budget admins'
	Loader   map[string]string // contributors'
}

// SetUp creates the tenants and everybody's keys, declares the contract and has
// every tenant accept it. Budgets are left to the caller, because the first one
// fixes the lifetime ceiling.
func SetUp(ctx context.Context, s *Server, operator string, contract []byte, tenants []string) (*Parties, error) {
	p := &Parties{
		Operator: operator, Tenants: tenants,
		Admin: map[string]string{}, Budget: map[string]string{}, Loader: map[string]string{},
	}
	api, err := s.API(operator)
	if err != nil {
		return nil, err
	}
	declared, err := api.ApplyContract(ctx, contract)
	if err != nil {
		return nil, fmt.Errorf("declare the contract: %w", err)
	}
	p.Dataset = declared.Dataset
	if p.Analyst, err = NewKey(ctx, api, wire.Analyst, ""); err != nil {
		return nil, err
	}
	for _, tenant := range tenants {
		if err := p.join(ctx, s, api, tenant, declared.Version); err != nil {
			return nil, fmt.Errorf("set up %s: %w", tenant, err)
		}
	}
	return p, nil
}

func (p *Parties) join(ctx context.Context, s *Server, operator *wire.API, tenant string, version int) error {
	if _, err := operator.CreateTenant(ctx, tenant, ""); err != nil {
		return err
	}
	var err error
	for role, keys := range map[wire.Role]map[string]string{
		wire.TenantAdmin: p.Admin, wire.BudgetAdmin: p.Budget, wire.Contributor: p.Loader,
	} {
		if keys[tenant], err = NewKey(ctx, operator, role, tenant); err != nil {
			return err
		}
	}
	admin, err := s.API(p.Admin[tenant])
	if err != nil {
		return err
	}
	_, err = admin.AcceptContract(ctx, p.Dataset, tenant, version)
	return err
}

// NewKey has the operator issue a key; tenant may be empty.
func NewKey(ctx context.Context, operator *wire.API, role wire.Role, tenant string) (string, error) {
	k, err := operator.CreateKey(ctx, wire.KeyRequest{Role: role, Tenant: optional(tenant)})
	return k.Key, err
}

// SetBudgets gives every tenant and the dataset the same cap and the same
// lifetime ceiling.
func (p *Parties) SetBudgets(ctx context.Context, s *Server, limit, lifetime wire.Loss) error {
	for _, tenant := range p.Tenants {
		if err := p.SetBudget(ctx, s, tenant, limit, lifetime); err != nil {
			return err
		}
	}
	api, err := s.API(p.Operator)
	if err != nil {
		return err
	}
	_, err = api.SetDatasetBudget(ctx, p.Dataset, wire.DatasetBudgetRequest{Epsilon: limit.Epsilon, Delta: limit.Delta, Lifetime: &lifetime})
	return err
}

// SetBudget sets one tenant's cap.
func (p *Parties) SetBudget(ctx context.Context, s *Server, tenant string, limit, lifetime wire.Loss) error {
	api, err := s.API(p.Budget[tenant])
	if err != nil {
		return err
	}
	_, err = api.SetTenantBudget(ctx, tenant, wire.TenantBudgetRequest{Epsilon: limit.Epsilon, Delta: limit.Delta, Lifetime: &lifetime})
	return err
}

// Load uploads one Parquet file per tenant and waits until every job has
// succeeded. It returns the number of rows that were loaded.
func (p *Parties) Load(ctx context.Context, s *Server, files map[string][]byte) (int64, error) {
	ids := map[string]string{}
	for _, tenant := range p.Tenants {
		api, err := s.API(p.Loader[tenant])
		if err != nil {
			return 0, err
		}
		file := files[tenant]
		load, err := api.Upload(ctx, wire.Upload{Dataset: p.Dataset, Tenant: tenant, ContentType: wire.TypeParquet, Size: int64(len(file))}, bytes.NewReader(file))
		if err != nil {
			return 0, fmt.Errorf("upload for %s: %w", tenant, err)
		}
		ids[tenant] = load.ID
	}
	var rows int64
	for _, tenant := range p.Tenants {
		api, err := s.API(p.Loader[tenant])
		if err != nil {
			return 0, err
		}
		load, err := api.Wait(ctx, ids[tenant], nil)
		if err != nil {
			return 0, err
		}
		if load.State != wire.LoadStateSucceeded {
			return 0, fmt.Errorf("the load of %s %s: %w", tenant, load.State, &wire.ProblemError{Problem: *load.Error})
		}
		rows += load.RowsLoaded
	}
	return rows, nil
}

func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
