package loads

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/privacy"
)

// CreateErasure accepts a request to erase people from the data of the caller's tenant.
func (h Handlers) CreateErasure(ctx context.Context, r skeleton.CreateErasureRequestObject) (skeleton.CreateErasureResponseObject, error) {
	by := operation.Principal(ctx)
	if t := wire.ValueOf(r.Params.Tenant); t != "" && !by.Owns(t) {
		return nil, privacy.Errorf(privacy.CodeForbidden, "this key belongs to another tenant")
	}
	e, err := h.Erasures.Create(ctx, erase.Request{Dataset: r.Dataset, Tenant: by.Tenant, Units: r.Body.Units, By: by})
	if err != nil {
		return nil, err
	}
	return skeleton.CreateErasure202JSONResponse{Body: erasureOf(e), Headers: skeleton.CreateErasure202ResponseHeaders{Location: "/v1/erasures/" + e.ID}}, nil
}

// ListErasures lists the erasures of the caller's tenant.
func (h Handlers) ListErasures(ctx context.Context, r skeleton.ListErasuresRequestObject) (skeleton.ListErasuresResponseObject, error) {
	by, err := ofATenant(ctx)
	if err != nil {
		return nil, err
	}
	items, next, err := h.Erasures.List(ctx, by.Tenant, wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	shown := func(e erase.Erasure) wire.Erasure { return shownTo(by, erasureOf(e)) }
	return skeleton.ListErasures200JSONResponse{Items: wire.List(items, shown), Next: wire.Optional(next)}, nil
}

// GetErasure shows an erasure of the caller's tenant.
func (h Handlers) GetErasure(ctx context.Context, r skeleton.GetErasureRequestObject) (skeleton.GetErasureResponseObject, error) {
	by, err := ofATenant(ctx)
	if err != nil {
		return nil, err
	}
	e, err := h.Erasures.Get(ctx, by.Tenant, r.Erasure)
	if err != nil {
		return nil, err
	}
	return skeleton.GetErasure200JSONResponse(shownTo(by, erasureOf(e))), nil
}

// ofATenant returns the caller, who must belong to a tenant: an auditor of none finds
// erasures on the log.
func ofATenant(ctx context.Context) (privacy.Principal, error) {
	by := operation.Principal(ctx)
	if by.Tenant == "" {
		return by, privacy.Errorf(privacy.CodeForbidden, "erasures are shown to their own tenant").Suggest("the log has their entries: GET /v1/log/entries")
	}
	return by, nil
}

// shownTo leaves the counts to those who handle the tenant's rows: how many were named,
// and how many rows they had, is of people. Others see that it was done.
func shownTo(by privacy.Principal, e wire.Erasure) wire.Erasure {
	if !by.Is(privacy.RoleContributor) {
		e.Units, e.RowsErased = nil, nil
	}
	return e
}

func erasureOf(e erase.Erasure) wire.Erasure {
	out := wire.Erasure{
		ID: e.ID, Tenant: e.Tenant, Dataset: e.Dataset, State: wire.ErasureState(e.State), Units: &e.Units,
		Generation: wire.Optional(e.Generation), Commitment: wire.Optional(e.Commitment), Nonce: wire.Optional(e.Nonce), CreatedAt: e.CreatedAt, FinishedAt: e.FinishedAt,
	}
	if e.Generation != "" {
		out.RowsErased = &e.RowsErased
	}
	if f := e.Error; f != nil {
		out.Error = problem.Failure(f.Code, f.Message)
	}
	return out
}
