package erase

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// Create accepts a request to erase people from a tenant's data. When it returns nil
// the request is durable, and is carried out whatever happens to the server.
//
// Only contributors of the tenant may ask. A tenant that has left the dataset may too,
// for what it has left there. Errors: CodeForbidden, CodeUnknownDataset, CodeSuspended,
// CodeInvalidRequest for what can be no unit's id, CodeRateLimited while MaxOpen others
// have not ended. None depends on whether a unit is there.
func (s *Service) Create(ctx context.Context, r Request) (Erasure, error) {
	if !r.By.Is(privacy.RoleContributor) || !r.By.Owns(r.Tenant) || r.Tenant == catalog.Public {
		return Erasure{}, privacy.Errorf(privacy.CodeForbidden, "only contributors of the tenant may erase from its data")
	}
	if err := checkUnits(r.Units); err != nil {
		return Erasure{}, err
	}
	contracts, err := s.readAs(ctx, r)
	if err != nil {
		return Erasure{}, err
	}
	if err := room(ctx, s.o.DB, r.Tenant, r.Dataset); err != nil { // before a worker is started for it
		return Erasure{}, err
	}
	e := record{Erasure: Erasure{
		ID: privacy.NewID("ers"), Tenant: r.Tenant, Dataset: r.Dataset, State: StatePending, Units: int64(len(r.Units)), CreatedAt: s.o.Now().UTC(),
	}, by: r.By.ID}
	if e.units, e.forms, err = s.pseudonyms(ctx, r.Tenant, contracts, r.Units); err != nil {
		return Erasure{}, err
	}
	if e.tenantSince, err = s.tenantSince(ctx, r.Tenant); err != nil {
		return Erasure{}, err
	}
	nonce := freshNonce()
	e.Nonce, e.Commitment = hex.EncodeToString(nonce[:]), Commitment(nonce, r.Units)
	// From here the caller's hanging up changes nothing.
	err = s.o.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		if err := s.o.Containment.CheckIn(ctx, tx, touches(e)); err != nil {
			return err
		}
		if err := insert(ctx, tx, e); err != nil {
			return err
		}
		return s.log(ctx, tx, e, act{Act: "accept", By: r.By.ID, Commitment: e.Commitment})
	})
	if err != nil {
		return Erasure{}, err
	}
	s.o.Jobs.Nudge()
	return e.Erasure, nil
}

// readAs returns the contracts that say what a unit's id is: of the data that is
// there, of what the tenant has accepted, and the one in force, by which loads that
// wait may yet publish.
func (s *Service) readAs(ctx context.Context, r Request) ([]*contract.Contract, error) {
	d, err := s.o.Catalog.Dataset(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	if err := s.o.Containment.Check(ctx, touches(record{Erasure: Erasure{Tenant: r.Tenant, Dataset: r.Dataset}, by: r.By.ID})); err != nil {
		return nil, err
	}
	tenant, err := s.o.Catalog.Tenant(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	if !s.o.Regions.Serve(tenant.Region) {
		return nil, residency.Refusal(r.Tenant)
	}
	head, exists, err := s.o.Catalog.Head(ctx, r.Dataset, r.Tenant)
	if err != nil {
		return nil, err
	}
	m, member := d.Member(r.Tenant)
	if !member && !exists {
		return nil, privacy.Errorf(privacy.CodeForbidden, "the tenant is not a member of dataset %q, and has no data there", d.Name)
	}
	versions := []int{d.Contract.Version}
	if member && !slices.Contains(versions, m.Version) {
		versions = append(versions, m.Version)
	}
	if exists && !slices.Contains(versions, head.Version) {
		versions = append(versions, head.Version)
	}
	var contracts []*contract.Contract
	for _, v := range versions {
		c, err := s.o.Catalog.Contract(ctx, r.Dataset, v)
		if err != nil {
			return nil, err
		}
		contracts = append(contracts, c)
	}
	return contracts, nil
}

// formOf says how a contract's unit ids are read: which pseudonym an id has depends on
// this and on nothing else of it.
func formOf(c *contract.Contract) string {
	return fmt.Sprintf("%s/%v", c.UnitColumn().Type, c.Unit.Scope)
}

// pseudonyms returns what ids are under each of the contracts. An id must be one under
// some of them.
func (s *Service) pseudonyms(ctx context.Context, tenant string, contracts []*contract.Contract, ids []string) (units []uint64, forms []string, err error) {
	wrong := map[int64]int{}
	for _, c := range contracts {
		form := formOf(c)
		if slices.Contains(forms, form) {
			continue
		}
		forms = append(forms, form)
		some, bad, err := s.o.Jobs.Pseudonyms(ctx, tenant, c, ids)
		if err != nil {
			return nil, nil, err
		}
		units = append(units, some...)
		for _, at := range bad {
			wrong[at]++
		}
	}
	for at := int64(1); at <= int64(len(ids)); at++ {
		if wrong[at] == len(forms) {
			return nil, nil, privacy.Errorf(privacy.CodeInvalidRequest, "unit %d of the list is no %s, which ids of this dataset are", at, contracts[0].UnitColumn().Type)
		}
	}
	return units, forms, nil
}

// touches is what must not be suspended for an erasure to go on: a key that was stolen
// must not empty a tenant's data.
func touches(e record) containment.Touches {
	return containment.Touches{
		Principal: privacy.Principal{ID: e.by, Role: privacy.RoleContributor, Tenant: e.Tenant}, Dataset: e.Dataset, Tenants: []string{e.Tenant},
	}
}

// tenantSince tells tenants apart that have had the same name.
func (s *Service) tenantSince(ctx context.Context, tenant string) (int64, error) {
	t, err := s.o.Catalog.Tenant(ctx, tenant)
	return t.CreatedAt.UnixMicro(), err
}
