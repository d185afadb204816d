package resttest

import (
	"context"
	"time"

	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/privacy"
)

// Erasures has one erasure, which belongs to the tenant a.
type Erasures struct{}

// Create accepts an erasure.
func (Erasures) Create(_ context.Context, r erase.Request) (erase.Erasure, error) {
	return erase.Erasure{
		ID: "ers_1", Tenant: r.Tenant, Dataset: r.Dataset, State: erase.StatePending, Units: int64(len(r.Units)), Nonce: "00", Commitment: "11", CreatedAt: time.Unix(0, 0).UTC(),
	}, nil
}

// Get shows that of tenant a.
func (Erasures) Get(_ context.Context, tenant, id string) (erase.Erasure, error) {
	if tenant != "a" || id != "ers_1" {
		return erase.Erasure{}, privacy.Errorf(privacy.CodeNotFound, "there is no such erasure")
	}
	return erase.Erasure{
		ID: id, Tenant: tenant, Dataset: "insteval", State: erase.StateFailed, Units: 2, RowsErased: 5, Generation: "gen_1", CreatedAt: time.Unix(0, 0).UTC(),
		Error: &erase.Failure{Code: privacy.CodeConflict, Message: "ask again"},
	}, nil
}

// List lists it.
func (f Erasures) List(ctx context.Context, tenant, _ string, _ int) ([]erase.Erasure, string, error) {
	e, err := f.Get(ctx, tenant, "ers_1")
	return []erase.Erasure{e}, "", err
}
